// Rows on their way into the log, written at once where that works and kept for later where not.
// A locked file or a full disk must cost no answer, and a bounded queue no memory.

/** Writes in order; those that others build on (a run, a model) are never given up for room. */
export type Write = { run: () => void; isDroppable: boolean };

export type WriteQueueOptions = {
  /** What is written to, in front of a warning. */
  name: string;
  describe: (error: unknown) => string;
  isHopeless: (error: unknown) => boolean;
  /** Told when writing begins to fail, when it works again, and when a row is given up. */
  onWarning: (text: string) => void;
};

/** About 10 MB of rows without text; at ten answers a minute, half a day of a full disk. */
const MAX_WAITING = 10_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
/** Catching up yields to answers after this many rows. */
const ROWS_AT_ONCE = 200;

export class WriteQueue {
  readonly #options: WriteQueueOptions;
  readonly #waiting: Write[] = [];
  #lost = 0;
  #failing: string | null = null;
  #rowFault: string | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = FIRST_RETRY_MS;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  get unwritten(): number {
    return this.#waiting.length + this.#lost;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get failing(): string | null {
    return this.#failing;
  }

  /** Writes now unless others wait for their retry. Never throws. */
  add(write: Write): void {
    this.#waiting.push(write);
    if (this.#retry === null) this.flush();
    if (this.#waiting.length > MAX_WAITING) this.#giveUpOldest();
  }

  /** Writes what waits, as far as it goes; the rest is tried again by itself. Never throws. */
  flush(): void {
    this.stop();
    let count = 0;
    let error: unknown = null;
    while (this.#waiting.length > 0 && count < ROWS_AT_ONCE && error === null) {
      error = this.#writeFirst();
      if (error === null) count++;
    }
    if (error !== null) this.#failed(error);
    else this.#worked(count);
    if (this.#waiting.length > 0) this.#retryIn(error === null ? 0 : this.#retryMs);
  }

  /** Tries nothing any more until the next {@link flush} or {@link add}. */
  stop(): void {
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
  }

  /** Returns the error after which the first row still waits. */
  #writeFirst(): unknown {
    const [first] = this.#waiting;
    try {
      first?.run();
    } catch (error) {
      if (!this.#options.isHopeless(error)) return error;
      this.#lost++;
      this.#warnOfRow(this.#options.describe(error));
    }
    this.#waiting.shift();
    return null;
  }

  #failed(error: unknown): void {
    const reason = this.#options.describe(error);
    const isFirst = this.#failing === null;
    this.#retryMs = isFirst ? FIRST_RETRY_MS : Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    this.#failing = reason;
    if (isFirst) this.#options.onWarning(`${reason}; answers go on, their rows wait in memory`);
  }

  #worked(count: number): void {
    if (this.#failing === null) return;
    this.#failing = null;
    this.#warn(`is written again; ${count + this.#waiting.length} rows catch up`);
  }

  /** The timer keeps no process alive: closing the log writes what is left. */
  #retryIn(ms: number): void {
    this.#retry = setTimeout(() => this.flush(), ms).unref();
  }

  #giveUpOldest(): void {
    const index = this.#waiting.findIndex((write) => write.isDroppable);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    if (this.#lost++ === 0)
      this.#warn(`has ${MAX_WAITING} rows waiting; the oldest are given up from here on`);
  }

  /** Rows at fault come in numbers, all with the same fault. */
  #warnOfRow(reason: string): void {
    if (reason !== this.#rowFault) this.#warn(`cannot hold a row, which is given up: ${reason}`);
    this.#rowFault = reason;
  }

  #warn(text: string): void {
    this.#options.onWarning(`${this.#options.name} ${text}`);
  }
}
