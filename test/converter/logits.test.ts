// The network that is written is the network that was pruned: stock llama.cpp's logits for every
// sample's prompts against PyTorch's, which were computed from the checkpoint in float32.
// F32 leaves nothing but rounding; F16 is held to what half precision may cost.
import t, { type Test } from 'tap';
import {
  APPLIANCES as appliance,
  FORMATS as formats,
} from '../../bench/development/sample-models.js';
import type { FileType } from '../../model/types/mixtures.js';
import { convertSample, loraPath } from '../support/converted.js';
import { loadModel } from '../support/llama-logits.js';
import { meanKlDivergence, relativeDifference } from '../support/logit-distance.js';
import { type Reference, readReference } from '../support/samples.js';

const folder = t.testdir();
const withLora = appliance.filter((name) => name !== 'appliance/dense');

for (const name of [...appliance, ...formats])
  t.test(`${name} as F32 has PyTorch's logits and greedy tokens`, async (t) => {
    await compare(t, { name, type: 'F32', variant: 'plain' });
  });

for (const name of withLora)
  t.test(`${name} as F32 with its LoRA has PyTorch's logits and greedy tokens`, async (t) => {
    await compare(t, { name, type: 'F32', variant: 'lora' });
  });

for (const name of [...appliance, ...formats])
  t.test(`${name} as F16 keeps the distribution and, where trained, the text`, async (t) => {
    await compare(t, { name, type: 'F16', variant: 'plain' });
  });

for (const name of withLora)
  t.test(`${name} as F16 with its LoRA keeps the distribution and the text`, async (t) => {
    await compare(t, { name, type: 'F16', variant: 'lora' });
  });

type Case = { name: string; type: FileType; variant: 'plain' | 'lora' };

async function compare(t: Test, { name, type, variant }: Case): Promise<void> {
  const lora = variant === 'lora' ? loraPath(name) : undefined;
  const file = await convertSample(folder, name, { type, lora });
  const reference = readReference(name, variant);
  await using loaded = await loadModel(file);
  for (const prompt of reference.prompts) {
    const logits = loaded.logits(prompt.tokens);
    const expected = logitsOf(reference, prompt);
    if (type === 'F32') t.ok(relativeDifference(logits, expected) <= 1e-3, prompt.prompt);
    else t.ok(meanKlDivergence(logits, expected, reference.n_vocab) <= 1e-4, prompt.prompt);
    if (type === 'F16' && !name.startsWith('appliance/')) continue;
    const greedy = loaded.greedy(prompt.tokens, prompt.greedy_tokens.length);
    t.strictSame(withoutEnd(greedy), withoutEnd(prompt.greedy_tokens), prompt.prompt);
  }
}

function logitsOf(reference: Reference, prompt: Reference['prompts'][number]): Float32Array {
  const start = prompt.logits_offset;
  return reference.logits.subarray(start, start + prompt.tokens.length * reference.n_vocab);
}

/** PyTorch's list ends with the end token, at which llama.cpp's generation stops. */
function withoutEnd(tokens: readonly number[]): number[] {
  return tokens.at(-1) === 2 ? tokens.slice(0, -1) : [...tokens];
}
