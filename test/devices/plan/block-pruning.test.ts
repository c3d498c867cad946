import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../../bench/development/sample-models.js';
import { readBaseModel } from '../../../devices/plan/base-model.js';
import { defaultLayers, pruneBlocks } from '../../../devices/plan/block-pruning.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import { describeLlama } from '../../../model/shape/llama-model.js';

t.test('the parameter counts that LLM-Pruner prints', async (t) => {
  const counts: [base: string, ratio: number, first: number, last: number, count: string][] = [
    ['llama-2-7b', 0, 4, 29, '6738415616'],
    ['llama-2-7b', 0.25, 4, 29, '5422977024'],
    ['llama-2-7b', 0.45, 4, 29, '4.392e9'],
    ['llama-2-7b', 0.6, 3, 30, '3.350e9'],
    // more_results/README.md of LLM-Pruner: 82.3458 % of 8,030,261,248, made by llama3.py.
    ['llama-3-8b', 0, 4, 29, '8030261248'],
    ['llama-3-8b', 0.25, 4, 29, '6612586496'],
  ];
  for (const [base, ratio, first, last, count] of counts) {
    const { model } = await readBaseModel(base);
    const { nParams } = pruneBlocks(model, { ratio, layers: { first, last } });
    const shown = count.includes('e') ? `${(nParams / 1e9).toFixed(3)}e9` : String(nParams);
    t.equal(shown, count, `${base} at ${ratio}`);
  }
});

t.test('the widths of Llama-2-7B at the ratios that people use', async (t) => {
  const { model } = await readBaseModel('llama-2-7b');
  const widths: [ratio: number, nHead: number, nFf: number][] = [
    [0.25, 24, 8256],
    [0.45, 18, 6054],
    [0.6, 13, 4403],
  ];
  for (const [ratio, nHead, nFf] of widths) {
    const { layers } = pruneBlocks(model, { ratio, layers: { first: 4, last: 29 } });
    t.same(layers[4], { nHead, nHeadKv: nHead, nFf });
    t.same(layers[29], layers[4]);
    t.same([layers[3], layers[30]], [model.layers[3], model.layers[30]]);
  }
});

for (const name of [
  'appliance/pruned-20',
  'appliance/pruned-35',
  'appliance/pruned-50',
  'formats/f_fast',
  'formats/f_gqa',
  'formats/f_mix',
  'formats/f_old',
  'formats/f_tied',
])
  t.test(`${name} has the widths that its arguments promise`, async (t) => {
    const checkpoint = await openCheckpoint(samplePath(name));
    const real = describeLlama(checkpoint);
    const argument = (key: string) => Number(checkpoint.pruningArguments?.[key]);
    const range = (part: string) => ({
      first: argument(`block_${part}_layer_start`),
      last: argument(`block_${part}_layer_end`) - 1,
    });
    // The config still has the unpruned widths.
    const { config } = checkpoint;
    const dense = {
      nHead: Number(config['num_attention_heads']),
      nHeadKv: Number(config['num_key_value_heads'] ?? config['num_attention_heads']),
      nFf: Number(config['intermediate_size']),
    };
    const pruned = pruneBlocks(
      { ...real, layers: real.layers.map(() => dense) },
      {
        ratio: argument('pruning_ratio'),
        layers: range('attention'),
        feedForwardLayers: range('mlp'),
      },
    );
    t.same(pruned.layers, real.layers);
    t.equal(pruned.nParams, real.nParams);
    t.notSame(real.layers.at(1), dense, 'it is pruned');
  });

t.test('the ranges are those of LLM-Pruner, and fit small models', (t) => {
  t.same(defaultLayers(32, 0.25), { first: 4, last: 29 });
  t.same(defaultLayers(32, 0.45), { first: 4, last: 29 });
  t.same(defaultLayers(32, 0.6), { first: 3, last: 30 });
  t.same(defaultLayers(40, 0.25), { first: 4, last: 37 });
  t.same(defaultLayers(6, 0.25), { first: 1, last: 5 });
  t.end();
});

t.test('a folder, its config.json and a name lead to the same model', async (t) => {
  const folder = samplePath('appliance/dense');
  const { model } = await readBaseModel(folder);
  t.same((await readBaseModel(path.join(folder, 'config.json'))).model, model);
  const real = describeLlama(await openCheckpoint(folder));
  t.same(model, real, 'as its weights say');
});
