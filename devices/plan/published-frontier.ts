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
  const pairs = rows.flatMap(pairsOf);
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

function pairsOf(row: PlanRow, _: number, [unpruned]: readonly PlanRow[]): PublishedPair[] {
  const dense = unpruned?.perplexity;
  const own = row.perplexity;
  if (!dense || !own) return [];
  const ofPruning = (own.tuned ?? own).wikitext2 / dense.wikitext2;
  return row.types.flatMap((candidate) => {
    const ofType = typePerplexityFactor(candidate.fileType);
    return ofType === null ? [] : { row, candidate, perplexityFactor: ofPruning * ofType };
  });
}
