// The least pruning of each type, against a device whose answer is a plain sum of bytes.
import t from 'tap';
import type { Fit } from '../../../devices/fit/fit.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { describeLlama } from '../../../model/shape/llama-model.js';
import type { SizedModel } from '../../../model/shape/sized-model.js';
import { listParts } from '../../../pruner/dense-model.js';
import { fittingPairs } from '../../../pruner/for-device/fitting-pairs.js';
import { nothingFits } from '../../../pruner/for-device/nothing-fits.js';
import { randomLlama, writeLlama } from '../../support/random-llama.js';

const sizes = { nLayer: 4, nEmbd: 256, nHead: 8, nHeadKv: 4, headSize: 32, nFf: 768 };
const dense = writeLlama(`${t.testdir()}/dense`, sizes, randomLlama(sizes));
const model = describeLlama(await openCheckpoint(dense));
const parts = listParts(model, { first: 0, last: 3 });

function bytesOf({ tensors }: SizedModel): number {
  return tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Answers as many tokens a second as it reads a model's bytes in. */
function fitWithin(budgetBytes: number, bytesPerSecond = 1e12) {
  return async (sized: SizedModel) => {
    const neededBytes = bytesOf(sized);
    const typical = bytesPerSecond / neededBytes;
    const speed = { tgTokensPerSecond: { low: typical, typical, high: typical } };
    const missing = { kind: 'does-not-fit', missingBytes: neededBytes - budgetBytes };
    const verdict = neededBytes <= budgetBytes ? { kind: 'fits' } : missing;
    const device = { id: 'board', name: 'a board' };
    const fit = { device, verdict, neededBytes, budgetBytes, maxCtx: 0, memory: { nCtx: 128 } };
    return { ...fit, speed } as unknown as Fit;
  };
}

const options = { model, minTps: null, hasBiases: true };

t.test('of each type the least is pruned that makes it fit, to a step', async (t) => {
  const budget = 2_000_000;
  const { pairs, nearest } = await fittingPairs(parts, { ...options, fit: fitWithin(budget) });
  t.equal(nearest, null);
  t.ok(pairs.some(({ ratio }) => ratio === 0) && pairs.some(({ ratio }) => ratio > 0));
  for (const { ratio, fit, quantised } of pairs) {
    t.ok(fit.neededBytes <= budget, quantised.fileType);
    if (ratio > 0) t.ok(fit.neededBytes > 0.9 * budget, `${quantised.fileType} ${ratio}`);
  }
  const ratios = pairs.map(({ ratio }) => ratio);
  t.same(
    ratios,
    [...ratios].sort((a, b) => b - a),
    'fewer bits, less pruning',
  );
});

t.test('a speed that is wanted prunes what memory would not', async (t) => {
  const fit = fitWithin(1e9, 100e6);
  const free = await fittingPairs(parts, { ...options, fit, types: ['Q8_0'] });
  t.equal(free.pairs[0]?.ratio, 0);
  const unprunedTps = free.pairs[0]?.fit.speed?.tgTokensPerSecond.typical ?? 0;
  const wanted = { ...options, fit, types: ['Q8_0'] as const, minTps: 1.2 * unprunedTps };
  const { pairs } = await fittingPairs(parts, wanted);
  t.ok((pairs[0]?.ratio ?? 0) > 0.1);
  t.ok((pairs[0]?.fit.speed?.tgTokensPerSecond.typical ?? 0) >= 1.2 * unprunedTps);
});

t.test('where nothing fits, the nearest is named with what it lacks', async (t) => {
  const { pairs, nearest } = await fittingPairs(parts, { ...options, fit: fitWithin(100_000) });
  t.same(pairs, []);
  if (!nearest) throw new Error('nothing is near');
  const { message } = nothingFits(nearest, { path: 'dense', minTps: null });
  t.match(message, /dense: does not fit board as any type at 128 tokens of context/);
  t.match(message, /with \d+ % of the weights gone comes nearest and needs .* of /);
});

t.test('where all that fits is too slow, its speed is what is told', async (t) => {
  const narrow = fitWithin(400_000, 100e6);
  // As hearth fit: what does not fit has no speed.
  const fit = async (model: SizedModel) => {
    const fits = await narrow(model);
    return fits.verdict.kind === 'fits' ? fits : { ...fits, speed: null };
  };
  const { nearest } = await fittingPairs(parts, { ...options, fit, minTps: 1e6 });
  if (!nearest) throw new Error('nothing is near');
  const { message } = nothingFits(nearest, { path: 'dense', minTps: 1e6 });
  t.match(message, /does not reach 1000000 tok\/s on board.* and likely reaches [\d.]+ tok\/s/);
});
