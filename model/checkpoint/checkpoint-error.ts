// The one error that reading a stranger's checkpoint ends in.
// Callers print it as it is, so every message names the file, what was found and what to do.
// A failure of hearth itself (a bug) is never turned into this error.
import { quotable } from '../../terminal/foreign-text.js';
import { shorten } from './show-value.js';

/** Names of tensors and classes come from the file and may be megabytes long. */
const MAX_PROBLEM_LENGTH = 500;

/** Thrown for a checkpoint, LoRA or tokenizer that cannot be read; the message is for the user. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
  readonly code = 'HEARTH_CHECKPOINT';

  readonly filePath: string;
  readonly problem: string;

  /** `problem`: which tensor or field, what was found, what was expected, what to do. */
  constructor(filePath: string, problem: string, options?: ErrorOptions) {
    const shown = quotable(shorten(problem, MAX_PROBLEM_LENGTH));
    super(`${filePath}: ${shown}`, options);
    this.filePath = filePath;
    this.problem = shown;
  }
}
