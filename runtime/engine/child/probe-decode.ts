// One token decoded for the sake of knowing that it can be.
// It goes behind an idle slot's tokens and is taken off again, so no cache is lost and no memory
// is set aside; where every slot is busy, the answers' own next token is the proof.
import type { Native } from '../../../llama/node-llama-internals.js';
import type { Scheduler } from './scheduler.js';

export async function probe(
  scheduler: Scheduler,
  native: Native,
  tokenId: number,
): Promise<{ durationMs: number }> {
  const startedAt = performance.now();
  const decoded = await scheduler.exclusive(() => decodeBehindIdle(scheduler, native, tokenId));
  if (!decoded) await scheduler.nextStep();
  return { durationMs: performance.now() - startedAt };
}

async function decodeBehindIdle(
  scheduler: Scheduler,
  { context }: Native,
  tokenId: number,
): Promise<boolean> {
  const idle = scheduler.slots.filter((slot) => !slot.answer);
  const slot = idle.sort((a, b) => a.tokens.length - b.tokens.length)[0];
  if (!slot) return false;
  // The last place of a full slot is the one that it can miss.
  scheduler.truncate(slot, scheduler.nCtx - 1);
  context.initBatch(1);
  const position = slot.tokens.length;
  context.addToBatch(slot.id, position, Uint32Array.of(tokenId), Uint32Array.of(0));
  try {
    await scheduler.decode(1);
  } finally {
    slot.tokens.push(tokenId);
    scheduler.truncate(slot, position);
  }
  return true;
}
