// Models that other tools than LLM-Pruner made smaller are converted as what they compute: stock
// llama.cpp's logits against PyTorch's, which the tools' own modules computed (fixtures/pruners/make.py).
import t from 'tap';
import { PRUNERS, sampleOptions } from '../../bench/development/sample-models.js';
import { prepare } from '../../converter/prepare.js';
import { convertSample } from '../support/converted.js';
import { sameAsPyTorch } from '../support/same-as-pytorch.js';

const folder = t.testdir();

for (const name of PRUNERS)
  t.test(`${name} has PyTorch's logits and greedy tokens`, async (t) => {
    await sameAsPyTorch(t, name, await convertSample(folder, name, { type: 'F32' }));
  });

t.test('what was pruned is told where the config still tells it', async (t) => {
  const dense = async (name: string) => {
    const { nParamsDense, model } = await prepare({ ...sampleOptions(name), type: 'F32' });
    return nParamsDense !== null && nParamsDense > model.nParams;
  };
  for (const name of ['flap', 'flap-folder', 'per-layer-config', 'puzzletron'])
    t.ok(await dense(`pruners/${name}`), name);
  for (const name of ['decilm', 'nemotron-nas', 'torch-pruning'])
    t.notOk(await dense(`pruners/${name}`), name);
});
