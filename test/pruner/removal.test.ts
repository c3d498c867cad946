// What is left once heads and channels are gone, and the statistics by which they go, against PyTorch's:
// random Llamas with grouped-query attention and without, which fixtures/pruned/make.py made and cut.
import path from 'node:path';
import { getLlamaGpuTypes } from 'node-llama-cpp';
import t, { type Test } from 'tap';
import { type Calibration, openCalibration } from '../../pruner/calibration-file.js';
import { hearth } from '../support/hearth.js';
import { type KeptParts, readKeptParts } from '../support/kept-parts.js';
import { loadModel } from '../support/llama-logits.js';
import { relativeDifference } from '../support/logit-distance.js';
import { needsTool } from '../support/needs.js';
import { readPytorchTensors } from '../support/pytorch-tensors.js';
import { fixtures, type Reference, readReference } from '../support/samples.js';

// Mesa's software Vulkan counts as a GPU only where it is named.
process.env.GGML_VK_VISIBLE_DEVICES ??= '0';
const hasVulkan = (await getLlamaGpuTypes('supported')).includes('vulkan');

const folder = t.testdir();
const text = path.join(fixtures, 'pruned/text.txt');
const tokenizer = ['--tokenizer', path.join(fixtures, 'shapes/hf-linear-rope')];
/** As make.py cuts the text. */
const chunks = ['--ctx', '32', '--tokens', '256'];
const models = [
  { name: 'gqa', nHeadKv: 2 },
  { name: 'mha', nHeadKv: 3 },
];

for (const { name, nHeadKv } of models) {
  const checkpoint = path.join(fixtures, 'pruned', name);
  const dense = path.join(folder, `${name}.gguf`);
  const calibration = path.join(folder, `${name}.calibration.gguf`);

  t.test(`${name}: means, squares and Gram matrices are PyTorch's`, async (t) => {
    const words = [checkpoint, '-o', dense, '--type', 'F32', '--chat-template', 'llama-2'];
    await succeed(t, ['convert', ...words, ...tokenizer]);
    await calibrate(t, dense, calibration, 'off');
    await compareStatistics(t, calibration, name, 1e-3);
  });

  // One of them: what a GPU brings of its own is how tensors are read, and it takes 10 s.
  const skip = !hasVulkan && needsTool('Vulkan');
  if (name === 'gqa')
    t.test('gqa: the same on a GPU', { skip }, async (t) => {
      const onGpu = path.join(folder, `${name}.gpu.gguf`);
      await calibrate(t, dense, onGpu, 'vulkan');
      await compareStatistics(t, onGpu, name, 1e-2);
    });

  t.test(`${name}: without repair, the pruned file answers as the pruned model does`, async (t) => {
    const output = path.join(folder, `${name}-pruned.gguf`);
    const widths = ['--kv-heads', String(nHeadKv), '--n-ff', '37', '--layers', '0-1'];
    const given = ['--calibration', calibration, '--chat-template', 'llama-2', ...tokenizer];
    const how = ['--repair', 'none', '--type', 'F32', '--search', '0', '--gpu', 'off'];
    await succeed(t, ['prune', checkpoint, '-o', output, ...widths, ...given, ...how]);
    const reference = readReference(`pruned/${name}`) as PrunedReference;
    t.same(await readKeptParts(output), reference.kept, 'the same heads and channels');
    await using unpruned = await loadModel(dense);
    await using pruned = await loadModel(output);
    for (const { tokens, greedy_tokens, logits_offset: start } of reference.prompts) {
      const expected = reference.logits.subarray(start, start + tokens.length * reference.n_vocab);
      t.ok(relativeDifference(pruned.logits(tokens), expected) <= 1e-3);
      t.ok(relativeDifference(unpruned.logits(tokens), expected) > 1e-1, 'much is gone');
      t.same(pruned.greedy(tokens, greedy_tokens.length), greedy_tokens);
    }
  });
}

type PrunedReference = Reference & { kept: KeptParts };

async function succeed(t: Test, words: string[]): Promise<void> {
  const { status, stderr } = await hearth(words);
  t.equal(status, 0, stderr);
}

async function calibrate(t: Test, model: string, output: string, gpu: string): Promise<void> {
  const words = ['calibrate', model, '-o', output, '--text', text, '--grams', '--gpu', gpu];
  await succeed(t, [...words, ...chunks]);
}

async function compareStatistics(
  t: Test,
  file: string,
  name: string,
  bound: number,
): Promise<void> {
  const calibration = await openCalibration(file);
  const found = await statisticsOf(calibration);
  for (const [key, expected] of readPytorchTensors(name, 'statistics'))
    t.ok(relativeDifference(found.get(key) ?? new Float32Array(), expected) <= bound, key);
  await calibration.close();
}

/** By the names that make.py gives them. */
async function statisticsOf({
  importance,
  layers,
}: Calibration): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  for (const [weight, squares] of importance.columns) found.set(`${weight}.mean_squares`, squares);
  for (const [layer, { attnOutput, ffnDown }] of layers.entries())
    for (const [weight, inputs] of Object.entries({ attn_output: attnOutput, ffn_down: ffnDown })) {
      if (!inputs) continue;
      const key = `blk.${layer}.${weight}.weight`;
      found.set(
        `${key}.mean`,
        inputs.sum.map((sum) => sum / inputs.nTokens),
      );
      found.set(`${key}.gram`, await inputs.readGram());
    }
  return found;
}
