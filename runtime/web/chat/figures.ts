// What an answer took, read from the last event of its stream.
// The server's JSON comes from outside: each number is checked, what is missing is null.
import type { MaybeNumber } from '../../log/read-rows.js';
import { field } from '../shared/server-error.js';

export type AnswerFigures = {
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

export function readFigures(event: unknown): AnswerFigures | null {
  const timings = part(event, 'timings');
  const hearth = part(event, 'hearth');
  if (!timings && !hearth) return null;
  const usage = part(event, 'usage');
  const memory = part(hearth, 'memory');
  const generated = number(timings, 'predicted_n');
  const generationMs = number(timings, 'predicted_ms');
  return {
    tokensPerSecond: generated && generationMs ? (generated * 1000) / generationMs : null,
    ttftMs: number(timings, 'ttft_ms'),
    queueMs: number(timings, 'queue_ms'),
    promptMs: number(timings, 'prompt_ms'),
    generationMs,
    cachedTokens: number(timings, 'cache_n'),
    promptTokens: number(usage, 'prompt_tokens') ?? number(timings, 'prompt_n'),
    generatedTokens: number(usage, 'completion_tokens') ?? generated,
    contextUsed: number(memory, 'context_used') ?? number(usage, 'total_tokens'),
    nCtx: number(memory, 'n_ctx'),
    peakRssBytes: number(memory, 'peak_rss_bytes'),
    devicePeakBytes: number(memory, 'device_peak_bytes'),
    droppedTurns: number(hearth, 'dropped_turns') ?? 0,
    droppedTokens: number(hearth, 'dropped_tokens') ?? 0,
  };
}

function part(value: unknown, name: string): object | null {
  const found = field(value, name);
  return typeof found === 'object' ? found : null;
}

function number(value: object | null, name: string): MaybeNumber {
  const found = field(value, name);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}
