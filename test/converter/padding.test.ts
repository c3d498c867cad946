// Zeros that fill rows up to whole blocks change no result, and neither does what stands in for a
// layer that lost its heads or channels: stock llama.cpp's logits against PyTorch's.
// To see padding apart from quantisation, a quantised file's widths are stored as float32.
import t, { type Test } from 'tap';
import { sampleOptions } from '../../bench/development/sample-models.js';
import { prepare } from '../../converter/prepare.js';
import { convertSample } from '../support/converted.js';
import { loadModel } from '../support/llama-logits.js';
import { meanKlDivergence, relativeDifference } from '../support/logit-distance.js';
import { storePadded } from '../support/padded.js';
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
    await compare(t, name, await convertSample(folder, name, { type: 'F32' }));
  });

  t.test(`${name} keeps them with the widths of Q4_K_M and Q8_0`, async (t) => {
    for (const type of ['Q4_K_M', 'Q8_0'] as const)
      await compare(t, name, await storePadded(folder, { ...sampleOptions(name), type }));
  });

  t.test(`${name} loads and computes as every kind of block`, async (t) => {
    for (const type of ['Q8_0', 'Q4_K_M', 'IQ4_NL'] as const) {
      await using loaded = await loadModel(await convertSample(folder, name, { type }));
      const logits = await loaded.logits(readReference(name).prompts[0]?.tokens ?? []);
      t.ok(logits.length > 0 && logits.every(Number.isFinite), type);
    }
  });
}

for (const name of ['formats/f_channel', 'formats/f_global', 'appliance/pruned-50'])
  t.test(`${name} is padded without changing its logits`, async (t) => {
    const { plan } = await prepare({ ...sampleOptions(name), type: 'Q4_K_M' });
    t.ok(plan.paddedWeights > 0);
    await compare(t, name, await storePadded(folder, { ...sampleOptions(name), type: 'Q4_K_M' }));
  });

t.test('a padded hidden size costs no more than its quantisation', async (t) => {
  const reference = readReference('formats/f_channel');
  const file = await convertSample(folder, 'formats/f_channel', { type: 'Q8_0' });
  await using loaded = await loadModel(file);
  for (const { tokens, logits_offset: start } of reference.prompts) {
    const expected = reference.logits.subarray(start, start + tokens.length * reference.n_vocab);
    t.ok(meanKlDivergence(await loaded.logits(tokens), expected, reference.n_vocab) <= 1e-3);
  }
});

async function compare(t: Test, name: string, file: string): Promise<void> {
  const reference = readReference(name);
  await using loaded = await loadModel(file);
  for (const { tokens, greedy_tokens, logits_offset: start } of reference.prompts) {
    const expected = reference.logits.subarray(start, start + tokens.length * reference.n_vocab);
    const difference = relativeDifference(await loaded.logits(tokens), expected);
    t.ok(difference <= 1e-3, `relative difference ${difference}`);
    const end = greedy_tokens.indexOf(2);
    const text = end < 0 ? greedy_tokens : greedy_tokens.slice(0, end);
    t.strictSame(await loaded.greedy(tokens, text.length), text);
  }
}
