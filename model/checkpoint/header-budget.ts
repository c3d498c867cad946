// What the headers of one checkpoint may take together, however many files it is split into.
// Each file has limits of its own; five hundred shards at those limits would take minutes.
// Counts bytes and archive entries; what they hold is limited where it is read.
import { CheckpointError } from './checkpoint-error.js';

/** Shards of a 405B model have 0.5 MB of headers and 1900 entries together. */
const MAX_SHARDED_BYTES = 8 << 20;
const MAX_SHARDED_ENTRIES = 8192;

export class HeaderBudget {
  readonly #path: string;
  #bytes = MAX_SHARDED_BYTES;
  #entries = MAX_SHARDED_ENTRIES;

  /** `path`: the index that lists the files. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Call before reading. Throws {@link CheckpointError} when all headers together are too large. */
  spend({ bytes = 0, entries = 0 }: { bytes?: number; entries?: number }): void {
    this.#bytes -= bytes;
    this.#entries -= entries;
    if (this.#bytes < 0 || this.#entries < 0)
      throw new CheckpointError(
        this.#path,
        'its shards list far more than any model has; they are damaged or hostile',
      );
  }
}
