// A GGUF that cannot be converted is refused by what is wrong with it, and a damaged one never does
// more than that: every length in its header is a stranger's.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openCheckpoint } from '../../../../model/checkpoint/checkpoint.js';
import { describeLlama } from '../../../../model/shape/llama-model.js';
import { tinyGguf } from '../../../support/tiny-gguf.js';
import { tinyLlamaGguf } from '../../../support/tiny-llama-gguf.js';

const file = path.join(t.testdir(), 'tiny.gguf');

t.test('the smallest Llama is opened, with its names and widths', async (t) => {
  writeFileSync(file, tinyGguf(tinyLlamaGguf()));
  const checkpoint = await openCheckpoint(file);
  t.match(checkpoint, { kind: 'gguf', files: [file], headSize: 4, tiedEmbeddings: false });
  t.strictSame(checkpoint.tensors.get('model.layers.0.mlp.down_proj.weight')?.shape, [4, 8]);
  t.equal(checkpoint.tokenizer?.kind, 'gguf');
});

const WRONG: Record<string, { file: Parameters<typeof tinyLlamaGguf>[0]; message: RegExp }> = {
  'another architecture': {
    file: { metadata: { 'general.architecture': 'qwen2' } },
    message: /is a "qwen2" model; expected llama or deci/,
  },
  'a mixture of experts': {
    file: { metadata: { 'llama.expert_count': 8 } },
    message:
      /has llama\.expert_count 8, expected no such key or 0; hearth converts plain Llama models/,
  },
  'positions scaled as YaRN': {
    file: { metadata: { 'llama.rope.scaling.type': 'yarn', 'llama.rope.scaling.factor': 4 } },
    message: /has llama\.rope\.scaling\.type "yarn", expected no such key or none or linear/,
  },
  'a part of each head rotated': {
    file: { metadata: { 'llama.rope.dimension_count': 2 } },
    message: /has llama\.rope\.dimension_count 2, expected no such key or 4/,
  },
  'one part of a split model': {
    file: { metadata: { 'split.count': 2 } },
    message: /is one part of a split model; join the parts with llama-gguf-split --merge/,
  },
  'no epsilon': {
    file: { without: 'llama.attention.layer_norm_rms_epsilon' },
    message: /has no llama\.attention\.layer_norm_rms_epsilon; hearth converts plain Llama models/,
  },
  'an epsilon that is no number': {
    file: { metadata: { 'llama.attention.layer_norm_rms_epsilon': 'small' } },
    message: /its config has rms_norm_eps "small"/,
  },
  'a tensor that is of no Llama': {
    file: { shapes: { 'blk.0.attn_q_norm.weight': [4] } },
    message: /"blk\.0\.attn_q_norm\.weight" is not a weight of a Llama model/,
  },
  'widths other than the header promises': {
    file: { metadata: { 'llama.feed_forward_length': 16 } },
    message: /blk\.0\.ffn_gate\.weight has 8 rows, but the header promises 16/,
  },
  'widths that do not fit each other': {
    file: { shapes: { 'blk.0.ffn_up.weight': [4, 7] } },
    message: /layers\.0\.mlp\.up_proj\.weight is \[7, 4\], expected \[8, 4\]/,
  },
  'a factor of RoPE too many': {
    file: { shapes: { 'rope_freqs.weight': [3] } },
    message: /rope_freqs\.weight is \[3\] of F32, expected \[2\] of F32/,
  },
  'factors of RoPE that are zero': {
    file: { shapes: { 'rope_freqs.weight': [2] } },
    message: /rope_freqs\.weight has a factor that is no positive number/,
  },
};

for (const [name, { file: changes, message }] of Object.entries(WRONG))
  t.test(`${name} is refused`, async (t) => {
    writeFileSync(file, tinyGguf(tinyLlamaGguf(changes)));
    const opened = openCheckpoint(file).then(describeLlama);
    await t.rejects(opened, { code: /^HEARTH_(CHECKPOINT|GGUF)$/, message });
  });

t.test('a file cut anywhere is refused', async (t) => {
  const whole = tinyGguf(tinyLlamaGguf());
  for (let length = 4; length < whole.length - 128; length += 23) {
    writeFileSync(file, whole.subarray(0, length));
    await t.rejects(openCheckpoint(file), { code: /^HEARTH_/ }, `${length} bytes`);
  }
});

t.test('a file with a byte changed is opened or refused, never more', async (t) => {
  const whole = tinyGguf(tinyLlamaGguf());
  const dataStart = whole.length - 12 * 128;
  for (let i = 4; i < dataStart; i += 3) {
    const bytes = Buffer.from(whole);
    bytes[i] = i % 2 ? 0xff : (bytes[i] ?? 0) ^ (1 << (i % 8));
    writeFileSync(file, bytes);
    const error = await openCheckpoint(file).then(
      () => null,
      (thrown: NodeJS.ErrnoException) => thrown,
    );
    if (error !== null) t.match(error.code, /^HEARTH_/, `byte ${i}: ${error.message}`);
  }
});
