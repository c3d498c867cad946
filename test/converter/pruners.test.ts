// Models that other tools than LLM-Pruner made smaller are converted as what they compute: stock
// llama.cpp's logits against PyTorch's, which the tools' own modules computed (fixtures/pruners/make.py).
import t from 'tap';
import { PRUNERS, sampleOptions } from '../../bench/development/sample-models.js';
import { prepare } from '../../converter/prepare.js';
import { convertSample } from '../support/converted.js';
import { loadModel } from '../support/llama-logits.js';
import { relativeDifference } from '../support/logit-distance.js';
import { readReference } from '../support/samples.js';

const folder = t.testdir();

for (const name of PRUNERS)
  t.test(`${name} has PyTorch's logits and greedy tokens`, async (t) => {
    const reference = readReference(name);
    const file = await convertSample(folder, name, { type: 'F32' });
    await using loaded = await loadModel(file);
    for (const { tokens, greedy_tokens, logits_offset: start } of reference.prompts) {
      const expected = reference.logits.subarray(start, start + tokens.length * reference.n_vocab);
      const difference = relativeDifference(await loaded.logits(tokens), expected);
      t.ok(difference <= 1e-3, `relative difference ${difference}`);
      // llama.cpp's generation stops at the end token, PyTorch's list goes on.
      const end = greedy_tokens.indexOf(2);
      const text = end < 0 ? greedy_tokens : greedy_tokens.slice(0, end);
      t.strictSame(await loaded.greedy(tokens, text.length), text);
    }
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
