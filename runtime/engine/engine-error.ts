// The one error that an engine throws.
// Callers tell failures apart by `code`; the fields beside it are what they show and log.
// Failures cross processes as plain data, so this is made on the caller's side.
import type { EngineFailure, EngineFailureCode } from './engine.js';

/** Thrown by every method of an Engine; carries the fields of {@link EngineFailure}. */
export class EngineError extends Error implements EngineFailure {
  readonly code: EngineFailureCode;
  declare readonly neededTokens?: number;
  declare readonly availableTokens?: number;
  declare readonly signal?: string;
  declare readonly exitCode?: number;
  declare readonly askedBytes?: number;
  declare readonly freeBytes?: number;
  declare readonly nativeLog?: string[];

  readonly failure: EngineFailure;

  constructor(failure: EngineFailure, options?: ErrorOptions) {
    super(failure.message, options);
    this.name = 'EngineError';
    this.code = failure.code;
    this.failure = failure;
    Object.assign(this, failure);
  }
}

/** What was thrown, as a failure: an EngineError as it is, anything else as `code`. */
export function failureOf(thrown: unknown, code: EngineFailureCode): EngineFailure {
  if (thrown instanceof EngineError) return thrown.failure;
  return { code, message: thrown instanceof Error ? thrown.message : String(thrown) };
}
