// What a simulated smaller machine takes away before anything is measured: GPU memory by ballast where
// models run on a GPU, else memory of the system by a limit on the processes that measure.
// Without a budget, nothing. Given back when disposed.
import type { EngineOptions } from '../../runtime/engine/engine.js';
import { holdBallast } from './ballast.js';
import { hostBudget } from './budget.js';

export type HeldMemory = AsyncDisposable & {
  /** Null on a machine as it is. */
  by: 'cgroup' | 'rlimit' | 'ballast' | null;
  ballastBytes: number;
  /** Puts a process that measures under the limit. */
  hold(pid: number): void;
};

/** Throws MeasureError where this machine cannot be held to `budgetBytes`. */
export async function holdMemory(
  budgetBytes: number | undefined,
  gpu: EngineOptions['gpu'] = 'auto',
): Promise<HeldMemory> {
  const nothing = { ballastBytes: 0, hold: () => {}, [Symbol.asyncDispose]: async () => {} };
  if (budgetBytes === undefined) return { by: null, ...nothing };
  const ballast = gpu === 'off' ? null : await holdBallast({ gpu, freeBytes: budgetBytes });
  if (ballast) {
    const dispose = () => ballast[Symbol.asyncDispose]();
    return {
      ...nothing,
      by: 'ballast',
      ballastBytes: ballast.heldBytes,
      [Symbol.asyncDispose]: dispose,
    };
  }
  const { by, hold, remove } = hostBudget(budgetBytes);
  return { by, ballastBytes: 0, hold, [Symbol.asyncDispose]: async () => remove() };
}
