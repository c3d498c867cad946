// Which of the pairs that fit drifts least, without writing all of them. What a pair costs is taken to be what
// pruning costs by how much goes, and what its type costs by how much that rounds off, added up; every pair that
// is measured teaches both, so that what is expected of the others comes nearer. Whatever is expected to be as
// good as the best so far is measured. Runs no model itself.
import { meanKl, type Pair, type PairQuality } from './pair.js';
import { PowerCurve } from './power-curve.js';

/** What can be found out of a pair; null where the time is up. */
export type Measuring = {
  /** What the type of a pair rounds off. */
  noise: (pair: Pair) => number;
  /** Writes its file and scores it. `isFirst` is measured however long it takes. */
  measure: (pair: Pair, isFirst: boolean) => Promise<PairQuality | null>;
  /** Divergence of the pruned model alone, without a file. */
  tryPruning: (pair: Pair) => Promise<number | null>;
};

export type MeasuredPair = { pair: Pair; quality: PairQuality; kl: number };

export type SearchResult = {
  /** The best first. */
  measured: MeasuredPair[];
  /** Of the others, with the divergence that is expected of them; the best first. */
  expected: { pair: Pair; kl: number }[];
  /** Whether the time was up before all were measured that promised as much as the best. */
  isCutShort: boolean;
};

/** Of what is expected, what it may be wrong by. */
const MARGIN = 1.15;
/** Of what is guessed before anything of it was measured. */
const GUESS_MARGIN = 10;
/** One pair of so many is measured at the most, so that the search costs a fraction of measuring all. */
const MEASURED_SHARE = 4;
/** A winner and a runner-up. */
const LEAST_MEASURED = 2;

/** Of SmolLM2-135M-Instruct: a fifth of its weights cost 0.25 nats. */
const PRUNING = { exponent: 1.8, guess: { x: 0.2, y: 0.25 } };
/** Of the same: a hundredth of every weight's output. */
const ROUNDING = { exponent: 1, guess: { x: 1, y: 0.05 } };

/** `pairs` are at least one. */
export async function searchPairs(
  pairs: readonly Pair[],
  measuring: Measuring,
): Promise<SearchResult> {
  const search = new Search(pairs, measuring.noise);
  for (;;) {
    const next = search.next();
    if (next === null) return search.result(false);
    if (next.kind === 'pruning') {
      const kl = await measuring.tryPruning(next.pair);
      if (kl === null) return search.result(true);
      search.learnPruning(next.pair, kl);
    } else {
      const quality = await measuring.measure(next.pair, next.isFirst);
      if (quality === null) return search.result(true);
      search.learn(next.pair, quality);
    }
  }
}

type Step = { kind: 'pruning'; pair: Pair } | { kind: 'pair'; pair: Pair; isFirst: boolean };

/** What is known, and what follows from it. */
class Search {
  readonly #noise: Measuring['noise'];
  readonly #left: Set<Pair>;
  readonly #most: number;
  readonly #measured: MeasuredPair[] = [];
  readonly #pruning = new PowerCurve(PRUNING.exponent, PRUNING.guess);
  readonly #rounding = new PowerCurve(ROUNDING.exponent, ROUNDING.guess);
  #isPruningKnown = false;

  constructor(pairs: readonly Pair[], noise: Measuring['noise']) {
    this.#left = new Set(pairs);
    this.#noise = noise;
    this.#most = Math.max(LEAST_MEASURED, Math.floor(pairs.length / MEASURED_SHARE));
  }

  /** Null where nothing else promises as much as the best. */
  next(): Step | null {
    const [next] = this.#expected();
    if (!next || this.#measured.length >= this.#most) return null;
    const isFirst = this.#measured.length === 0;
    const untried = this.#leastPruned();
    if (!isFirst && untried && this.#promises(untried, GUESS_MARGIN))
      return { kind: 'pruning', pair: untried };
    if (this.#measured.length >= LEAST_MEASURED && !this.#promises(next.pair, MARGIN)) return null;
    return { kind: 'pair', pair: next.pair, isFirst };
  }

  learnPruning({ ratio }: Pair, kl: number): void {
    this.#isPruningKnown = true;
    this.#pruning.add({ x: ratio, y: kl });
  }

  learn(pair: Pair, quality: PairQuality): void {
    const kl = meanKl(quality);
    this.#left.delete(pair);
    this.#measured.push({ pair, quality, kl });
    this.#rounding.add({ x: this.#noise(pair), y: kl - quality.pruningKl });
    if (pair.ratio > 0) this.learnPruning(pair, quality.pruningKl);
  }

  result(isCutShort: boolean): SearchResult {
    const measured = [...this.#measured].sort((a, b) => a.kl - b.kl);
    return { measured, expected: this.#expected(), isCutShort };
  }

  #expected(): { pair: Pair; kl: number }[] {
    const all = [...this.#left].map((pair) => ({ pair, kl: this.#expect(pair) }));
    return all.sort((a, b) => a.kl - b.kl);
  }

  #expect(pair: Pair): number {
    return this.#pruning.at(pair.ratio) + this.#rounding.at(this.#noise(pair));
  }

  #promises(pair: Pair, margin: number): boolean {
    return this.#expect(pair) <= margin * Math.min(...this.#measured.map(({ kl }) => kl));
  }

  /** While nothing is known of what pruning costs. */
  #leastPruned(): Pair | undefined {
    if (this.#isPruningKnown) return undefined;
    const pruned = [...this.#left].filter(({ ratio }) => ratio > 0);
    return pruned.sort((a, b) => a.ratio - b.ratio)[0];
  }
}
