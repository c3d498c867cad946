// One answer on its way to becoming a row of the log, and the codes that rows give failures.
// An answer that fails half-way keeps what was known by then, measured here if need be.
import type {
  EndEvent,
  EngineFailure,
  GenerateEvent,
  GenerateRequest,
  StartEvent,
} from '../engine/engine.js';
import { EngineError } from '../engine/engine-error.js';
import type { RequestRow, RowError } from './rows.js';

export type RequestFields = Omit<RequestRow, 'runId'>;

export type AnswerStart = {
  endpoint: string;
  /** Since the request came. */
  waitedMs: number;
  keepText: boolean;
};

export class AnswerRecord {
  readonly #row: RequestFields;
  readonly #startedAt: number;
  readonly #keepText: boolean;
  isFinished = false;

  constructor(request: GenerateRequest, { endpoint, waitedMs, keepText }: AnswerStart) {
    this.#startedAt = performance.now() - waitedMs;
    this.#keepText = keepText;
    const prompt = keepText ? promptText(request) : null;
    const startedAtMs = Date.now() - Math.round(waitedMs);
    this.#row = { startedAtMs, endpoint, prompt, answer: keepText ? '' : null };
  }

  add(event: GenerateEvent): void {
    if (event.kind === 'start') this.#start(event);
    else if (event.kind === 'token') this.#token(event.text);
    else if (event.kind === 'end') this.#end(event);
  }

  finish(): RequestFields {
    this.isFinished = true;
    return { stopReason: 'abort', ...this.#row };
  }

  fail(error: unknown): RequestFields {
    this.isFinished = true;
    const totalMs = performance.now() - this.#startedAt;
    const timings = { ...this.#row.timings, totalMs };
    return { ...this.#row, timings, stopReason: null, error: rowError(error) };
  }

  #start(event: StartEvent): void {
    const { promptTokens, cachedTokens, droppedTurns, droppedTokens } = event;
    Object.assign(this.#row, { droppedTurns, droppedTokens });
    this.#row.timings = { promptTokens, cachedTokens, generatedTokens: 0 };
  }

  #token(text: string): void {
    const { timings } = this.#row;
    if (timings) {
      timings.ttftMs ??= performance.now() - this.#startedAt;
      timings.generatedTokens = (timings.generatedTokens ?? 0) + 1;
    }
    if (this.#keepText) this.#row.answer += text;
  }

  #end({ stopReason, timings, memory }: EndEvent): void {
    Object.assign(this.#row, { stopReason, timings, memory });
  }
}

/** As the log and the dashboard name an engine's failure: `HEARTH_ENGINE_DIED`. */
export function rowError(error: unknown): RowError {
  if (error instanceof EngineError) return failureRowError(error);
  return {
    code: 'HEARTH_INTERNAL',
    message: error instanceof Error ? error.message : String(error),
  };
}

export function failureRowError({ code, message }: EngineFailure): RowError {
  return { code: `HEARTH_${code.toUpperCase().replaceAll('-', '_')}`, message };
}

function promptText({ input }: GenerateRequest): string {
  if (input.kind === 'text') return input.text;
  return JSON.stringify(input.kind === 'tokens' ? input.tokens : input.messages);
}
