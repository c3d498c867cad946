// Ballast on a GPU that is larger than the class it stands for: memory held by another process, so
// that exactly the class's is free and running out of it is real. The parent's side.
import { once } from 'node:events';
import { forkLlama } from '../../llama/child.js';
import { MeasureError } from '../../llama/measure-error.js';
import { formatMemory } from '../../terminal/units.js';
import type { BallastReply, BallastTask } from './ballast-child.js';

export type Ballast = AsyncDisposable & { heldBytes: number };

/** Leaves `freeBytes` free on the GPU until it is disposed; null where there is none. Throws {@link MeasureError}. */
export async function holdBallast(task: BallastTask): Promise<Ballast | null> {
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
  if (reply.kind === 'held') return { heldBytes: reply.heldBytes, [Symbol.asyncDispose]: stop };
  await stop();
  if (reply.kind === 'no-gpu') return null;
  throw new MeasureError(
    `the GPU cannot be held to ${formatMemory(task.freeBytes)}: ${reply.message}; close other programs that use it, or take a smaller --budget`,
  );
}
