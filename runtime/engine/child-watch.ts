// Tells a child that is slow from one that hangs: llama.cpp may decode one batch for minutes on a small
// board, on threads of its own, but the event loop beside it answers within milliseconds.
// Looks only where something was to be stopped: nobody waits for a child that has nothing to do.

/**
 * The longest that the event loop is at something else is a second: reading back tokens, or making
 * some ten thousand of a text.
 */
export const REACT_MS = 5000;

export type WatchOptions = {
  /** Asks the child, which then calls {@link ChildWatch.alive}. */
  ask: () => void;
  /** Called once, when it has not answered. */
  onHang: () => void;
};

export class ChildWatch {
  readonly #options: WatchOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Something was to be stopped: see whether the child hears. */
  look(): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => this.#options.onHang(), REACT_MS);
    this.#options.ask();
  }

  alive(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
