// What an answer took, read from the events of its stream: times with every token, the rest at its end.
// The server's JSON comes from outside: each number is checked, what is missing is null.
// Where an answer is stopped and no event had times, the page tells what it saw itself.
import type { MaybeNumber } from '../../log/read-rows.js';
import { field } from '../shared/server-error.js';

export type AnswerFigures = {
  /** Measured in the browser: with the way there and back, and pieces of text for tokens. */
  isOfPage: boolean;
  tokensPerSecond: MaybeNumber;
  /** From the arrival of the request to the first token. */
  ttftMs: MaybeNumber;
  queueMs: MaybeNumber;
  promptMs: MaybeNumber;
  generationMs: MaybeNumber;
  promptTokens: MaybeNumber;
  cachedTokens: MaybeNumber;
  generatedTokens: MaybeNumber;
  /** Tokens in the context after the answer, of those that it holds. */
  contextUsed: MaybeNumber;
  nCtx: MaybeNumber;
  peakRssBytes: MaybeNumber;
  devicePeakBytes: MaybeNumber;
  droppedTurns: number;
  droppedTokens: number;
};

const NOTHING = {
  ...{ tokensPerSecond: null, ttftMs: null, queueMs: null, promptMs: null, generationMs: null },
  ...{ promptTokens: null, cachedTokens: null, generatedTokens: null, contextUsed: null },
  ...{ nCtx: null, peakRssBytes: null, devicePeakBytes: null, droppedTurns: 0, droppedTokens: 0 },
} satisfies Omit<AnswerFigures, 'isOfPage'>;

export function readFigures(event: unknown): AnswerFigures | null {
  const timings = part(event, 'timings');
  const hearth = part(event, 'hearth');
  if (!timings && !hearth) return null;
  const usage = part(event, 'usage');
  const memory = part(hearth, 'memory');
  const generated = number(timings, 'predicted_n');
  const generationMs = number(timings, 'predicted_ms');
  return {
    isOfPage: false,
    tokensPerSecond: speed(generated, generationMs),
    ttftMs: number(timings, 'ttft_ms'),
    queueMs: number(timings, 'queue_ms'),
    promptMs: number(timings, 'prompt_ms'),
    generationMs,
    cachedTokens: number(timings, 'cache_n'),
    promptTokens:
      number(usage, 'prompt_tokens') ??
      sum(number(timings, 'prompt_n'), number(timings, 'cache_n')),
    generatedTokens: number(usage, 'completion_tokens') ?? generated,
    contextUsed: number(memory, 'context_used'),
    nCtx: number(memory, 'n_ctx'),
    peakRssBytes: number(memory, 'peak_rss_bytes'),
    devicePeakBytes: number(memory, 'device_peak_bytes'),
    droppedTurns: number(hearth, 'dropped_turns') ?? 0,
    droppedTokens: number(hearth, 'dropped_tokens') ?? 0,
  };
}

/** What a later event of the same answer says, and what only earlier ones said. */
export function updateFigures(before: AnswerFigures | null, next: AnswerFigures): AnswerFigures {
  const told = Object.entries(next).filter(([, value]) => value !== null && value !== 0);
  return { ...(before ?? next), ...Object.fromEntries(told) };
}

/** Counts the pieces of an answer as they come, each of which is about a token. */
export class FigureWatch {
  readonly #sentAtMs = performance.now();
  #firstAtMs: number | null = null;
  #lastAtMs = 0;
  #pieces = 0;

  addPiece(): void {
    this.#lastAtMs = performance.now();
    this.#firstAtMs ??= this.#lastAtMs;
    this.#pieces += 1;
  }

  /** Null where nothing came. */
  figures(): AnswerFigures | null {
    if (this.#firstAtMs === null) return null;
    const generationMs = this.#lastAtMs - this.#firstAtMs;
    return {
      ...NOTHING,
      isOfPage: true,
      // The first piece came at the start of that time.
      tokensPerSecond: speed(this.#pieces - 1, generationMs),
      ttftMs: this.#firstAtMs - this.#sentAtMs,
      generationMs,
      generatedTokens: this.#pieces,
    };
  }
}

/** Of an answer that was continued: what both parts took, and how things stood after the later one. */
export function joinFigures(first: AnswerFigures | null, next: AnswerFigures): AnswerFigures {
  if (!first) return next;
  const generatedTokens = sum(first.generatedTokens, next.generatedTokens);
  const generationMs = sum(first.generationMs, next.generationMs);
  return {
    ...next,
    isOfPage: first.isOfPage || next.isOfPage,
    generatedTokens,
    generationMs,
    tokensPerSecond: speed(generatedTokens, generationMs),
    ttftMs: first.ttftMs,
    queueMs: sum(first.queueMs, next.queueMs),
    promptMs: sum(first.promptMs, next.promptMs),
    peakRssBytes: greatest(first.peakRssBytes, next.peakRssBytes),
    devicePeakBytes: greatest(first.devicePeakBytes, next.devicePeakBytes),
  };
}

function speed(tokens: MaybeNumber, durationMs: MaybeNumber): MaybeNumber {
  return tokens && durationMs ? (tokens * 1000) / durationMs : null;
}

function sum(a: MaybeNumber, b: MaybeNumber): MaybeNumber {
  return a === null || b === null ? (a ?? b) : a + b;
}

function greatest(a: MaybeNumber, b: MaybeNumber): MaybeNumber {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function part(value: unknown, name: string): object | null {
  const found = field(value, name);
  return typeof found === 'object' ? found : null;
}

function number(value: object | null, name: string): MaybeNumber {
  const found = field(value, name);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}
