// What of a checkpoint is kept must be of that checkpoint: everything else is refused, by its layer.
// That what is kept is written right is test/converter/pruned.test.ts's matter.
import path from 'node:path';
import t from 'tap';
import { type Checkpoint, openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import {
  applyPruning,
  type KeptParts,
  type Pruning,
} from '../../../model/checkpoint/pruned-checkpoint.js';
import { pickRows, type TensorSource } from '../../../model/checkpoint/tensor-source.js';
import { describeLlama } from '../../../model/shape/llama-model.js';
import { type RandomLlama, randomLlama, writeLlama } from '../../support/random-llama.js';

const SIZES: RandomLlama = {
  ...{ nLayer: 2, nEmbd: 32, nHead: 4, nHeadKv: 2, headSize: 8, nFf: 40 },
};
const WHOLE: KeptParts = { kvHeads: [0, 1], channels: Array.from({ length: 40 }, (_, i) => i) };
const DOWN = 'model.layers.1.mlp.down_proj.weight';

async function prune(folder: string, pruning: Partial<Pruning>): Promise<Checkpoint> {
  const dense = await openCheckpoint(
    writeLlama(path.join(folder, 'dense'), SIZES, randomLlama(SIZES)),
  );
  return applyPruning(dense, {
    layers: [WHOLE, WHOLE],
    replaced: new Map(),
    metadata: {},
    ...pruning,
  });
}

t.test('widths are of what is kept, layer by layer', async (t) => {
  const layers = [WHOLE, { kvHeads: [1], channels: [3, 39] }];
  const pruned = await prune(t.testdir(), { layers });
  t.strictSame(describeLlama(pruned).layers, [
    { nHead: 4, nHeadKv: 2, nFf: 40 },
    { nHead: 2, nHeadKv: 1, nFf: 2 },
  ]);
  t.strictSame([...(pruned.tensors.get(DOWN)?.columns?.kept ?? [])], [3, 39]);
  t.notOk(pruned.tensors.get('model.layers.0.mlp.down_proj.weight')?.columns);
});

const WRONG: Record<string, { pruning: Partial<Pruning>; message: RegExp }> = {
  'another number of layers': {
    pruning: { layers: [WHOLE] },
    message: /has 2 layers, but 1 were chosen from/,
  },
  'a head that there is not': {
    pruning: { layers: [WHOLE, { ...WHOLE, kvHeads: [0, 2] }] },
    message: /layer 1's key-value heads, 2 was chosen in place 1; expected .* below 2, ascending/,
  },
  'a channel twice': {
    pruning: { layers: [{ ...WHOLE, channels: [4, 4] }, WHOLE] },
    message: /layer 0's channels, 4 was chosen in place 1/,
  },
  'half a channel': {
    pruning: { layers: [{ ...WHOLE, channels: [0.5] }, WHOLE] },
    message: /layer 0's channels, 0.5 was chosen in place 0/,
  },
  'a new tensor of other widths': {
    pruning: { replaced: new Map([[DOWN, tensor(DOWN, [32, 39])]]) },
    message: /layers\.1\.mlp\.down_proj\.weight is \[32, 39\], expected \[32, 40\]/,
  },
  'a new tensor in the place of a norm': {
    pruning: { replaced: new Map([['model.norm.weight', tensor('model.norm.weight', [32])]]) },
    message: /model\.norm\.weight was to be replaced; expected the weight or the bias/,
  },
  'a bias of a layer that there is not': {
    pruning: { replaced: new Map([['model.layers.2.mlp.down_proj.bias', tensor('bias', [32])]]) },
    message: /layers\.2\.mlp\.down_proj\.bias was to be replaced/,
  },
};

for (const [name, { pruning, message }] of Object.entries(WRONG))
  t.test(`${name} is refused`, async (t) => {
    await t.rejects(prune(t.testdir(), pruning), { name: 'CheckpointError', message });
  });

t.test('picks of picks are counted in the stored tensor', async (t) => {
  const once = pickRows(tensor(DOWN, [10, 4]), Int32Array.of(1, 5, 7));
  const twice = pickRows(once, Int32Array.of(0, 2));
  t.strictSame(twice.shape, [2, 4]);
  t.strictSame(twice.rows, { kept: Int32Array.of(1, 7), of: 10 });
});

function tensor(name: string, shape: number[]): TensorSource {
  return { name, dtype: 'F32', shape, filePath: 'none', offsetBytes: 0, sizeBytes: 0 };
}
