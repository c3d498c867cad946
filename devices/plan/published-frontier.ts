// Which pairs of pruning ratio and type are worth choosing from by published figures alone, before anything
// is run: pruning and types are two roads to the same card. What one costs is multiplied by what the other
// does, as nobody published both together; measuring tells better (`hearth prune --for`).
import { standingsOf } from '../../model/frontier.js';
import type { FittedCandidate, PlanRow } from './plan-for-device.js';
import { typePerplexityFactor } from './published.js';

export type PublishedPair = {
  row: PlanRow;
  candidate: FittedCandidate;
  /** Perplexity over that of the unpruned model in half precision, about. */
  perplexityFactor: number;
};

export type PublishedFrontier = {
  /** From the least memory to the most. */
  pairs: PublishedPair[];
  /** Of all pairs that there are figures of, those that are pruned. */
  nPruned: number;
};

/** Null where no figure of this model pruned was published. */
export function publishedFrontier(rows: readonly PlanRow[]): PublishedFrontier | null {
  const dense = rows.find(({ ratio }) => ratio === 0)?.perplexity?.wikitext2;
  if (dense === undefined) return null;
  const pairs = rows.flatMap((row) => pairsOf(row, dense));
  const nPruned = pairs.filter(isPruned).length;
  if (nPruned === 0) return null;
  const standings = standingsOf(pairs, {
    bytesOf: ({ candidate }) => candidate.fit.neededBytes,
    lossOf: ({ perplexityFactor }) => perplexityFactor,
    isBetter: (first, second) => first.perplexityFactor < second.perplexityFactor,
  });
  return {
    pairs: standings.filter(({ beatenBy }) => beatenBy === null).map(({ model }) => model),
    nPruned,
  };
}

export function isPruned({ row }: PublishedPair): boolean {
  return row.ratio > 0;
}

/** `dense` is the unpruned model's perplexity, in half precision. */
function pairsOf(row: PlanRow, dense: number): PublishedPair[] {
  const own = row.perplexity;
  if (!own) return [];
  const ofPruning = (own.tuned ?? own).wikitext2 / dense;
  return row.types.flatMap((candidate) => {
    const ofType = typePerplexityFactor(candidate.fileType);
    return ofType === null ? [] : { row, candidate, perplexityFactor: ofPruning * ofType };
  });
}
