// The KV cache of one sequence in a file and back, so that a conversation outlives the process.
// llama.cpp's own format: it checks layers, types and lengths itself and refuses what differs.
import type { Native } from '../../../llama/node-llama-internals.js';
import { EngineError } from '../engine-error.js';
import { replacePrivateFile } from '../private-file.js';
import type { Scheduler } from './scheduler.js';

/** Saves the sequence used last. Call it between two decodes. */
export async function saveSession(
  scheduler: Scheduler,
  { context }: Native,
  path: string,
): Promise<{ tokens: number; sizeBytes: number }> {
  const [slot] = [...scheduler.slots].sort((a, b) => b.lastUsed - a.lastUsed);
  if (!slot || slot.tokens.length === 0) throw refusal('the cache holds no conversation to save');
  const { id, tokens } = slot;
  const sizeBytes = await replacePrivateFile(path, (_file, temporary) =>
    context.saveSequenceStateToFile(temporary, id, Uint32Array.from(tokens)),
  ).catch((cause: Error) => {
    throw refusal(cause.message);
  });
  return { tokens: tokens.length, sizeBytes };
}

/** Loads into the idle sequence that loses least by it. Call it between two decodes. */
export async function loadSession(
  scheduler: Scheduler,
  { context }: Native,
  path: string,
): Promise<{ tokens: number }> {
  const idle = scheduler.slots.filter((slot) => !slot.answer);
  const [slot] = idle.sort((a, b) => a.tokens.length - b.tokens.length);
  if (!slot) throw refusal('every sequence is busy; load the session when one is idle');
  scheduler.clear(slot);
  try {
    const tokens = await context.loadSequenceStateFromFile(path, slot.id, scheduler.nCtx);
    slot.tokens.push(...tokens);
    return { tokens: tokens.length };
  } catch {
    scheduler.clear(slot);
    throw refusal(
      `${path} is not a cache of this model with a context of ${scheduler.nCtx} tokens and this --kv-type`,
    );
  }
}

function refusal(message: string): EngineError {
  return new EngineError({ code: 'bad-request', message });
}
