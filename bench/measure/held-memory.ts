// What a simulated smaller machine takes away before anything is measured: GPU memory by ballast where
// models run on a GPU, else memory of the system by a limit on the processes that measure.
// Without a budget, nothing. Given back when disposed.
import { once } from 'node:events';
import { forkLlama } from '../../llama/child.js';
import { MeasureError } from '../../llama/measure-error.js';
import type { EngineOptions } from '../../runtime/engine/engine.js';
import { formatMemory } from '../../terminal/units.js';
import type { BallastReply, BallastTask } from './ballast-child.js';
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
  if (ballast) return { ...nothing, by: 'ballast', ...ballast };
  const { by, hold, remove } = hostBudget(budgetBytes);
  return { by, ballastBytes: 0, hold, [Symbol.asyncDispose]: async () => remove() };
}

type Ballast = AsyncDisposable & Pick<HeldMemory, 'ballastBytes'>;

/** Memory held by another process, so that exactly `freeBytes` are free on the GPU; null without one. */
async function holdBallast(task: BallastTask): Promise<Ballast | null> {
  const child = forkLlama(new URL('./ballast-child.js', import.meta.url));
  const end = once(child, 'close');
  const stop = async () => {
    child.kill('SIGKILL');
    await end;
  };
  child.send(task);
  const reply = await Promise.race([
    once(child, 'message').then(([message]) => message as BallastReply),
    end.then((): BallastReply => ({ kind: 'failed', message: 'its process ended' })),
  ]);
  if (reply.kind === 'held') return { ballastBytes: reply.heldBytes, [Symbol.asyncDispose]: stop };
  await stop();
  if (reply.kind === 'no-gpu') return null;
  throw new MeasureError(
    `the GPU cannot be held to ${formatMemory(task.freeBytes)}: ${reply.message}; close other programs that use it, or take a smaller --budget`,
  );
}
