// What is said of a comparison: who won, by how much, and whether the text can tell.
import t from 'tap';
import { pairsText, summaryText } from '../../../pruner/for-device/for-report.js';
import type { Pair } from '../../../pruner/for-device/pair.js';
import type { PruneForSummary } from '../../../pruner/for-device/prune-for.js';
import { formatMemory } from '../../../terminal/units.js';

function pair(fileType: string, ratio: number, { larger = 0 } = {}): Pair {
  const fit = {
    ...{ device: { name: 'A board' }, budgetBytes: 2 ** 30, neededBytes: 2 ** 29 },
    ...{ memory: { nCtx: 512 }, speed: null },
  };
  const quantised = { fileType, larger: Array(larger).fill({}), weightsBytes: 4e8 };
  return { ratio, quantised, fit } as unknown as Pair;
}

function measured(of: Pair, klByChunk: number[]) {
  const kl = klByChunk.reduce((sum, one) => sum + one, 0) / klByChunk.length;
  return { pair: of, kl, quality: { klByChunk, perplexity: 9, pruningKl: 0, durationMs: 1 } };
}

function summary(parts: Partial<PruneForSummary>): string {
  const file = { output: '/o.gguf', sizeBytes: 4e8 };
  const whole = { file, expected: [], isCutShort: false, calibrationTokens: 4096, ...parts };
  return summaryText({ ...(whole as unknown as PruneForSummary), durationMs: 1000 });
}

t.test('the winner stands before the next, with what either costs', async (t) => {
  const best = measured(pair('IQ4_XS', 0.25), [0.1, 0.11, 0.1, 0.12]);
  const next = measured(pair('IQ3_XXS', 0), [0.3, 0.31, 0.33, 0.3]);
  const expected = [{ pair: pair('Q2_K', 0), kl: 0.5 }];
  const text = summary({ measured: [best, next], expected });
  t.match(text, /^\/o\.gguf: 400\.0 MB, IQ4_XS, 25\.0 % pruned\n/);
  t.match(text, /best +IQ4_XS +25\.0 % +512 MiB +0\.1075 +9\.00\nnext +IQ3_XXS +no .* 0\.3100/);
  t.match(text, /Q2_K .*≈ 0\.50/);
  t.match(text, /IQ4_XS, 25\.0 % pruned drifts less than IQ3_XXS, unpruned, by 0\.2025 ± /);
  t.match(text, 'Pruning pays here: IQ3_XXS, unpruned has a KL of 0.310.');
});

t.test('a text too short to tell says how much would do', async (t) => {
  const best = measured(pair('Q5_K_M', 0), [0.1, 0.2, 0.15]);
  const next = measured(pair('Q6_K', 0.1), [0.12, 0.17, 0.18]);
  const text = summary({ measured: [best, next], isCutShort: true });
  t.match(text, /which this text is too short to tell from chance; about \d+ tokens held out/);
  t.match(text, 'Pruning does not pay here: Q6_K, 10.0 % pruned has a KL of 0.157.');
  t.match(text, 'The time of --search was up');
});

t.test('what fits is told before, and that every type falls back', async (t) => {
  const text = pairsText([pair('Q6_K', 0.2, { larger: 1 }), pair('Q4_K_M', 0, { larger: 2 })], 8);
  t.match(
    text,
    `${formatMemory(2 ** 30)} for a model and 512 tokens of context, at 8 tok/s or more`,
  );
  t.match(
    text,
    /1 type fits unpruned, the best of them Q4_K_M; 1 type fits with weights gone: Q6_K/,
  );
  t.match(text, /rows of this model are not whole blocks of any of these types/);
});
