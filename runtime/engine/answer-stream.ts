// The events of one request on their way from the child to whoever iterates over them.
// A queue with one reader: events wait for the reader, the reader for events.
import type { GenerateEvent } from './engine.js';

export type AnswerStreamOptions = {
  /** The reader went before the end, perhaps while it waited. */
  onLeave: () => void;
  onClosed: () => void;
};

type Next = IteratorResult<GenerateEvent, undefined>;

/** Ends after the `end` event; throws what {@link fail} was given after the events before it. */
export class AnswerStream implements AsyncIterableIterator<GenerateEvent, undefined> {
  readonly #options: AnswerStreamOptions;
  #events: GenerateEvent[] = [];
  #isClosed = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(options: AnswerStreamOptions) {
    this.#options = options;
  }

  static failed(error: Error): AnswerStream {
    const stream = new AnswerStream({ onLeave() {}, onClosed() {} });
    stream.fail(error);
    return stream;
  }

  push(event: GenerateEvent): void {
    if (this.#isClosed) return;
    this.#events.push(event);
    if (event.kind === 'end') this.#close();
    else this.#wake?.();
  }

  fail(error: Error): void {
    if (this.#isClosed) return;
    this.#error = error;
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#options.onClosed();
    this.#wake?.();
  }

  async next(): Promise<Next> {
    while (this.#events.length === 0 && !this.#isClosed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const value = this.#events.shift();
    if (value) return { done: false, value };
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
    return { done: true, value: undefined };
  }

  async return(): Promise<Next> {
    this.#events = [];
    this.#error = undefined;
    if (!this.#isClosed) {
      this.#close();
      this.#options.onLeave();
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
