// The trial before the first answer: each number of threads decodes a token in turn, so that a small model
// need not learn during an answer that its threads only wait for each other.
import { BETTER, mean } from './size-class.js';
import type { ThreadTuner } from './thread-tuner.js';

/** What a trial before the first answer may take; one decode more where that is slow. */
const FIRST_TRIAL_MS = 80;
/** A larger model's token takes longer than that, and is quickest by all threads of a quiet machine. */
const MOST_TRIED_BYTES = 512 * 2 ** 20;
/** Rounds of it, after one that warms up. */
const FIRST_TRIAL_ROUNDS = 3;

/**
 * Lets `decode` compute one token by each number of threads in turn, which returns how many ms it took, and
 * starts the tuner with the quickest, or the fewest that are nearly as quick. A number that is twice as slow
 * is not tried again, nor is any above it. Where time runs out before all were tried, nothing is told;
 * a model too large for it is not tried.
 */
export async function tryThreads(
  tuner: ThreadTuner,
  sizeBytes: number,
  decode: (threads: number) => Promise<number> | number,
): Promise<void> {
  const costs = new Map<number, number[]>();
  let counts = tuner.counts;
  if (counts.length === 1 || sizeBytes > MOST_TRIED_BYTES) return;
  let spentMs = await decode(counts[0] as number);
  for (let round = 0; round < FIRST_TRIAL_ROUNDS; round++)
    for (const threads of counts) {
      if (spentMs > FIRST_TRIAL_MS) break;
      const costMs = await decode(threads);
      spentMs += costMs;
      costs.set(threads, [...(costs.get(threads) ?? []), costMs]);
      if (costMs < 2 * quickest(costs)) continue;
      counts = counts.filter((count) => count < threads);
      break;
    }
  if (!counts.every((count) => costs.has(count))) return;
  const best = quickest(costs);
  const [threads, own] = [...costs].find(([, own]) => mean(own) * BETTER <= best) ?? [];
  if (threads && own) tuner.start(threads, mean(own));
}

function quickest(costs: ReadonlyMap<number, readonly number[]>): number {
  return Math.min(...Array.from(costs.values(), mean));
}
