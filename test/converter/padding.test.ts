// Zeros that fill rows up to whole blocks change no result, and neither does what stands in for a
// layer that lost its heads or channels: stock llama.cpp's logits against PyTorch's.
// To see padding apart from quantisation, a quantised file's widths are stored as float32.
import t from 'tap';
import { sampleOptions } from '../../bench/development/sample-models.js';
import { prepare } from '../../converter/prepare.js';
import { convertSample } from '../support/converted.js';
import { loadModel } from '../support/llama-logits.js';
import { meanKlDivergence } from '../support/logit-distance.js';
import { storePadded } from '../support/padded.js';
import { sameAsPyTorch } from '../support/same-as-pytorch.js';
import { readReference } from '../support/samples.js';

const folder = t.testdir();

const shapes = [
  'no-heads-first',
  'no-heads-middle-bias',
  'no-heads-last',
  'no-channels',
  'no-channels-bias',
  'odd-width-bias',
  'gqa-by-layer',
  'hf-linear-rope',
].map((name) => `shapes/${name}`);

for (const name of shapes) {
  t.test(`${name} has PyTorch's logits and greedy tokens`, async (t) => {
    await sameAsPyTorch(t, name, await convertSample(folder, name, { type: 'F32' }));
  });

  t.test(`${name} keeps them with the widths of Q4_K_M and Q8_0`, async (t) => {
    for (const type of ['Q4_K_M', 'Q8_0'] as const)
      await sameAsPyTorch(t, name, await storePadded(folder, { ...sampleOptions(name), type }));
  });

  t.test(`${name} loads and computes as every kind of block`, async (t) => {
    for (const type of ['Q8_0', 'Q4_K_M', 'IQ4_NL'] as const) {
      await using loaded = await loadModel(await convertSample(folder, name, { type }));
      const logits = loaded.logits(readReference(name).prompts[0]?.tokens ?? []);
      t.ok(logits.length > 0 && logits.every(Number.isFinite), type);
    }
  });
}

for (const name of ['formats/f_channel', 'formats/f_global', 'appliance/pruned-50'])
  t.test(`${name} is padded without changing its logits`, async (t) => {
    const { plan } = await prepare({ ...sampleOptions(name), type: 'Q4_K_M' });
    t.ok(plan.paddedWeights > 0);
    const padded = await storePadded(folder, { ...sampleOptions(name), type: 'Q4_K_M' });
    await sameAsPyTorch(t, name, padded);
  });

t.test('a padded hidden size costs no more than its quantisation', async (t) => {
  const reference = readReference('formats/f_channel');
  const file = await convertSample(folder, 'formats/f_channel', { type: 'Q8_0' });
  await using loaded = await loadModel(file);
  for (const { tokens, logits_offset: start } of reference.prompts) {
    const expected = reference.logits.subarray(start, start + tokens.length * reference.n_vocab);
    t.ok(meanKlDivergence(loaded.logits(tokens), expected, reference.n_vocab) <= 1e-3);
  }
});
