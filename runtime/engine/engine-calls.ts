// Questions to the child that have one answer each.
// Every question ends: by its answer, by the child's end, or by its caller's signal.
import type { EngineFailure } from './engine.js';
import { EngineError } from './engine-error.js';
import type { Call, CallResults, ToChild } from './engine-protocol.js';

type Pending = {
  resolve: (value: CallResults[keyof CallResults]) => void;
  reject: (error: unknown) => void;
};

type EngineCallsOptions = {
  send: (message: ToChild) => void;
  onLeave: () => void;
};

export class EngineCalls {
  readonly #options: EngineCallsOptions;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(options: EngineCallsOptions) {
    this.#options = options;
  }

  call<Method extends Call['method']>(
    call: Extract<Call, { method: Method }>,
    signal?: AbortSignal,
  ): Promise<CallResults[Method]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const leave = (): void => {
        this.#pending.delete(id);
        reject(signal?.reason);
        this.#options.onLeave();
      };
      signal?.addEventListener('abort', leave, { once: true });
      const settle = (): void => {
        signal?.removeEventListener('abort', leave);
        this.#pending.delete(id);
      };
      this.#pending.set(id, {
        resolve: (value) => {
          settle();
          resolve(value as CallResults[Method]);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.#options.send({ kind: 'call', id, call });
    });
  }

  result(id: number, value: CallResults[keyof CallResults]): void {
    this.#pending.get(id)?.resolve(value);
  }

  fail(id: number, failure: EngineFailure): void {
    this.#pending.get(id)?.reject(new EngineError(failure));
  }

  lose(failure: EngineFailure): void {
    for (const { reject } of [...this.#pending.values()]) reject(new EngineError(failure));
  }
}
