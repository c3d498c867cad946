// When to start a dead engine again: soon after one accident, later after each further one.
// A model that never loaded is given up after a few tries; one that did is tried for ever, because
// what took its memory may go away, and nobody may be there to start it by hand.

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
const TRIES_TO_LOAD = 4;

export class RestartPlan {
  #failures = 0;
  #hasLoaded = false;

  loaded(): void {
    this.#hasLoaded = true;
  }

  /** An answer came to its end, so the engine works. */
  worked(): void {
    this.#failures = 0;
  }

  /** What follows a failure; undefined is the end of it. `isRefused`: llama.cpp said no, not died. */
  next({ isRefused }: { isRefused: boolean }): { attempt: number; pauseMs: number } | undefined {
    this.#failures++;
    if (!this.#hasLoaded && (isRefused || this.#failures >= TRIES_TO_LOAD)) return undefined;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    return { attempt: this.#failures, pauseMs };
  }
}
