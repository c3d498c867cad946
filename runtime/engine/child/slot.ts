// One sequence of the KV cache: which tokens it holds, and which answer uses it.
// The cache outlives its answer, so that a conversation that goes on is not evaluated again.
import type { RunningAnswer } from './running-answer.js';

export type Slot = {
  readonly id: number;
  /** Tokens whose keys and values are in the cache, by position. */
  tokens: number[];
  answer: RunningAnswer | undefined;
  lastUsed: number;
};

/**
 * The idle slot for a prompt: the one that holds most of its start, unless that would throw away
 * more of another conversation than it saves; else the one unused for longest.
 */
export function chooseSlot(slots: readonly Slot[], prompt: readonly number[]): Slot | undefined {
  const idle = slots.filter((slot) => !slot.answer).sort((a, b) => a.lastUsed - b.lastUsed);
  const oldest = idle[0];
  if (!oldest) return undefined;
  const common = new Map(idle.map((slot) => [slot, commonLength(slot.tokens, prompt)]));
  const saved = (slot: Slot): number => common.get(slot) ?? 0;
  const best = idle.reduce((a, b) => (saved(b) > saved(a) ? b : a), oldest);
  return saved(best) * 2 >= best.tokens.length ? best : oldest;
}

export function commonLength(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length++;
  return length;
}
