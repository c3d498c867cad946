// Finding the best of pairs whose divergence is known, by measuring few of them.
import t from 'tap';
import type { Pair, PairQuality } from '../../../pruner/for-device/pair.js';
import { type Measuring, searchPairs } from '../../../pruner/for-device/search-pairs.js';

type Truth = { pair: Pair; noise: number; pruningKl: number; kl: number };

t.test('the best is found where pruning pays, and where it does not', async (t) => {
  for (const [name, pruningScale] of Object.entries({ cheap: 0.5, dear: 50 })) {
    const truths = twentyPairs(pruningScale);
    const { measured, expected, isCutShort } = await searchPairs(pairsOf(truths), meterOf(truths));
    const best = Math.min(...truths.map(({ kl }) => kl));
    t.ok((measured[0]?.kl ?? 1) <= 1.02 * best, `${name}: ${measured[0]?.kl} of ${best}`);
    t.ok(measured.length <= 5, `${measured.length} of ${truths.length} were measured`);
    t.equal(measured.length + expected.length, truths.length);
    t.notOk(isCutShort);
  }
});

t.test('what pruning costs is tried before it is ruled out', async (t) => {
  const few = twentyPairs(0.01).filter(({ pair: { ratio } }) => ratio === 0 || ratio > 0.2);
  const truths = few.map((truth) =>
    truth.pair.ratio === 0 ? { ...truth, kl: truth.kl + 0.2 } : truth,
  );
  const tried: number[] = [];
  const meter = meterOf(truths);
  const tryPruning = async (pair: Pair) => {
    tried.push(pair.ratio);
    return await meter.tryPruning(pair);
  };
  const { measured } = await searchPairs(pairsOf(truths), { ...meter, tryPruning });
  t.equal(tried.length, 1);
  t.ok((measured[0]?.pair.ratio ?? 0) > 0);
});

t.test('where the time is up, the best so far is the best', async (t) => {
  const truths = twentyPairs(0.5);
  const meter = meterOf(truths);
  const first: Measuring['measure'] = async (pair, isFirst) =>
    isFirst ? await meter.measure(pair, isFirst) : null;
  const late = { ...meter, measure: first, tryPruning: async () => null };
  const { measured, isCutShort } = await searchPairs(pairsOf(truths), late);
  t.equal(measured.length, 1);
  t.ok(isCutShort);
});

t.test('one pair alone needs no comparison', async (t) => {
  const truths = twentyPairs(0.5).slice(0, 1);
  const { measured, isCutShort } = await searchPairs(pairsOf(truths), meterOf(truths));
  t.equal(measured.length, 1);
  t.notOk(isCutShort);
});

/**
 * Types from many bits to few: the first half fit with some of the weights gone, the second unpruned. Divergence
 * is no sum of powers, as that of a real model is none.
 */
function twentyPairs(pruningScale: number): Truth[] {
  return Array.from({ length: 20 }, (_, i) => {
    const ratio = Math.max(0, 0.4 - 0.04 * i);
    const noise = 0.05 * 1.45 ** i;
    const pruningKl = pruningScale * ratio ** 1.5 * (1 + 2 * ratio);
    const kl = (0.03 * noise ** 1.2 + pruningKl) * (1 + 0.1 * Math.sin(5 * i));
    const pair = { ratio, quantised: { fileType: `T${i}` } } as unknown as Pair;
    return { pair, noise, pruningKl, kl };
  });
}

function pairsOf(truths: readonly Truth[]): Pair[] {
  return truths.map(({ pair }) => pair);
}

function meterOf(truths: readonly Truth[]): Measuring {
  const of = (pair: Pair) => truths.find((truth) => truth.pair === pair) as Truth;
  return {
    noise: (pair) => of(pair).noise,
    tryPruning: async (pair) => of(pair).pruningKl,
    measure: async (pair): Promise<PairQuality> => {
      const { kl, pruningKl } = of(pair);
      return { klByChunk: [kl, kl], pruningKl, perplexity: 1, durationMs: 1 };
    },
  };
}
