// When to stop: Ctrl-C stops an answer, or chat where there is none; a third one does not wait.
// One object for the terminal's key, the system's signals, a second of either, and a reader that left.

export const INTERRUPTED = 130;
const SIGNAL_CODES = { SIGINT: INTERRUPTED, SIGTERM: 143, SIGHUP: 129 } as const;

export class Stop {
  readonly #leaving = new AbortController();
  #answer: AbortController | undefined;
  exitCode = 0;

  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Ctrl-C: first the answer, then chat, then at once. */
  interrupt(): void {
    if (this.leaving.aborted) process.exit(INTERRUPTED);
    else if (this.#answer && !this.#answer.signal.aborted) this.#answer.abort();
    else this.leave(INTERRUPTED);
  }

  /** The first reason to leave is the one that counts. */
  leave(exitCode: number): void {
    if (this.leaving.aborted) return;
    this.exitCode = exitCode;
    this.#leaving.abort();
    this.#answer?.abort();
  }

  /** The terminal is gone, which reading it may tell before the signal does. */
  hangUp(): void {
    this.leave(SIGNAL_CODES.SIGHUP);
  }

  /** Runs what an interruption stops without ending chat. */
  async during<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const answer = new AbortController();
    this.#answer = answer;
    if (this.leaving.aborted) answer.abort();
    try {
      return await work(answer.signal);
    } finally {
      this.#answer = undefined;
    }
  }

  /** Listens to the system's signals and for stdout's end; returns a function that ends this. */
  listen(): () => void {
    const listeners = Object.entries(SIGNAL_CODES).map(([name, exitCode]) => {
      const listener = () => (name === 'SIGINT' ? this.interrupt() : this.leave(exitCode));
      process.on(name, listener);
      return () => process.off(name, listener);
    });
    const closed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') this.leave(0);
    };
    process.stdout.on('error', closed);
    return () => {
      process.stdout.off('error', closed);
      for (const end of listeners) end();
    };
  }
}
