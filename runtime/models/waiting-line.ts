// Requests that wait for a model, in the order in which they came.
// Each leaves it with its model, or by its own client's going, or at its deadline.
import type { ModelUse } from './model-use.js';
import type { ServedModel } from './served-model.js';

export type WaitOptions = {
  signal?: AbortSignal;
  /** How long a request waits for the model at most; null for as long as it takes. */
  deadlineMs?: number | null;
};

/** The model did not come in time. */
export class ModelDeadlineError extends Error {
  override readonly name = 'ModelDeadlineError';
}

export type Waiter = {
  model: ServedModel;
  arrivedAt: number;
  resolve: (use: ModelUse) => void;
  reject: (error: unknown) => void;
};

export class WaitingLine {
  readonly #onLeave: () => void;
  #waiters: Waiter[] = [];

  /** `onLeave` is called when one goes without its model. */
  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  get length(): number {
    return this.#waiters.length;
  }

  get first(): Waiter | undefined {
    return this.#waiters[0];
  }

  countOf(model: ServedModel): number {
    return this.#waiters.filter((waiter) => waiter.model === model).length;
  }

  /** Rejects with the signal's reason, with {@link ModelDeadlineError}, or as {@link rejectAll} says. */
  add(model: ServedModel, { signal, deadlineMs = null }: WaitOptions): Promise<ModelUse> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        end();
      };
      const waiter: Waiter = {
        model,
        arrivedAt: performance.now(),
        resolve: (use) => settle(() => resolve(use)),
        reject: (error) => settle(() => reject(error)),
      };
      const abort = () => this.#leave(waiter, signal?.reason);
      const late = () => this.#leave(waiter, new ModelDeadlineError());
      const timer = deadlineMs === null ? undefined : setTimeout(late, deadlineMs);
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** All who wait for the model, which are then no longer in the line. */
  take(model: ServedModel): Waiter[] {
    const taken = this.#waiters.filter((waiter) => waiter.model === model);
    this.#waiters = this.#waiters.filter((waiter) => waiter.model !== model);
    return taken;
  }

  rejectAll(error: unknown): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
    this.#onLeave();
  }

  #leave(waiter: Waiter, reason: unknown): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    waiter.reject(reason);
    this.#onLeave();
  }
}
