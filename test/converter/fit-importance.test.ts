// A matrix of the unpruned model beside what was left out of it: of the columns that are kept, what the
// matrix says of them. Other matrices are in convert-imatrix.test.ts.
import path from 'node:path';
import t from 'tap';
import { fitImportance } from '../../converter/fit-importance.js';
import { openCheckpoint } from '../../model/checkpoint/checkpoint.js';
import { applyPruning } from '../../model/checkpoint/pruned-checkpoint.js';
import { describeLlama } from '../../model/shape/llama-model.js';
import { planQuantisation } from '../../model/types/quantise-plan.js';
import { type RandomLlama, randomLlama, writeLlama } from '../support/random-llama.js';

const SIZES: RandomLlama = {
  ...{ nLayer: 1, nEmbd: 32, nHead: 4, nHeadKv: 2, headSize: 8, nFf: 40 },
};
const columns = (nCols: number) => Float32Array.from({ length: nCols }, (_, i) => i);

t.test('kept channels and heads take their columns of the unpruned matrix', async (t) => {
  const folder = writeLlama(path.join(t.testdir(), 'dense'), SIZES, randomLlama(SIZES));
  const dense = await openCheckpoint(folder);
  const layers = [{ kvHeads: [1], channels: [3, 17, 39] }];
  const pruned = applyPruning(dense, { layers, replaced: new Map(), metadata: {} });
  const plan = planQuantisation(describeLlama(pruned), 'Q8_0', { hasImatrix: true });
  const fit = (output: number, down: number) =>
    fitImportance(
      {
        columns: new Map([
          ['blk.0.attn_q.weight', columns(32)],
          ['blk.0.attn_output.weight', columns(output)],
          ['blk.0.ffn_down.weight', columns(down)],
        ]),
        ...{ datasets: [], chunkCount: 1, chunkSize: 1 },
      },
      plan,
      pruned,
    ).columns;
  const kept = fit(32, 40);
  t.same([...(kept.get('blk.0.attn_q.weight') ?? [])], [...columns(32)]);
  t.same(
    [...(kept.get('blk.0.attn_output.weight') ?? [])],
    Array.from({ length: 16 }, (_, i) => 16 + i),
  );
  t.same([...(kept.get('blk.0.ffn_down.weight') ?? [])], [3, 17, 39]);
  t.same(
    [...(fit(16, 3).get('blk.0.ffn_down.weight') ?? [])],
    [0, 1, 2],
    'one of the pruned model',
  );
  t.throws(() => fit(32, 41), { message: /has 41 columns for blk.0.ffn_down.weight, which has 3/ });
});
