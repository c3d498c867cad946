// A GGUF in the place of a checkpoint: what convert makes of it is what it makes of the checkpoint that
// the GGUF came from, tensor by tensor, in every type, with a LoRA and pruned; and blocks are read as
// llama.cpp's own quantiser reads them. The tokenizer's pairs are taken over byte by byte.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { sampleOptions } from '../../bench/development/sample-models.js';
import { type ConvertOptions, convert } from '../../converter/convert.js';
import { type GgufFile, readGgufFile } from '../../model/gguf/gguf-file.js';
import { readStoredPairs } from '../../model/gguf/gguf-pairs.js';
import { FILE_TYPES, type FileType, MIXTURES, needsImatrix } from '../../model/types/mixtures.js';
import { convertSample } from '../support/converted.js';
import { readGgufTensors, tensorDigests } from '../support/gguf-tensors.js';
import { hearth } from '../support/hearth.js';
import {
  type RandomLlama,
  randomLlama,
  randomLora,
  writeLlama,
  writeLora,
} from '../support/random-llama.js';
import { readAsStock } from '../support/same-blocks.js';
import { tinyGguf } from '../support/tiny-gguf.js';
import { tinyLlamaGguf } from '../support/tiny-llama-gguf.js';

const folder = t.testdir();

/** Each in the type that its weights have, so that the GGUF holds all of them. */
const SAMPLES: Record<string, FileType> = {
  'appliance/dense': 'F16',
  'formats/f_tied': 'F16',
  'formats/f_fast': 'F16',
  'formats/f_gqa': 'F16',
  'formats/f_global': 'F16',
  'shapes/hf-linear-rope': 'BF16',
  'shapes/odd-width-bias': 'F32',
  'shapes/no-heads-last': 'F32',
};

for (const [name, stored] of Object.entries(SAMPLES))
  t.test(`${name} as a GGUF is converted as the checkpoint is`, async (t) => {
    const checkpoint = await convertSample(folder, name, { type: stored, force: true });
    for (const type of ['Q4_K_M', stored] as const) {
      const options = { type, threads: 1, force: true } as const;
      const [ours, reference] = [path.join(folder, 'a.gguf'), path.join(folder, 'b.gguf')];
      await convert({ ...options, checkpoint, output: ours });
      await convert({ ...options, ...sampleOptions(name), output: reference });
      await sameModel(t, ours, reference);
    }
  });

t.test('factors of RoPE are taken over', async (t) => {
  const scaling = { rope_type: 'llama3', factor: 8, original_max_position_embeddings: 64 };
  const sizes: RandomLlama = { ...SIZES, nLayer: 1 };
  const config = { rope_scaling: scaling, rope_theta: 500_000 };
  const dense = writeLlama(path.join(folder, 'llama3'), sizes, randomLlama(sizes), config);
  const [first, second] = [path.join(folder, '3.gguf'), path.join(folder, '33.gguf')];
  await convert({ checkpoint: dense, type: 'F32', output: first });
  await convert({ checkpoint: first, type: 'F32', output: second });
  t.ok((await readGgufTensors(second)).has('rope_freqs.weight'));
  await sameModel(t, second, first);
});

t.test('every type is read as llama.cpp reads it', async (t) => {
  // The rest of them are made, and read, in quantise/stock-imatrix.test.ts.
  const sizes = { nLayer: 1, nEmbd: 256, nHead: 2, nHeadKv: 1, headSize: 64, nFf: 160 };
  const checkpoint = writeLlama(path.join(folder, 'random'), sizes, randomLlama(sizes));
  const isNew = (type: FileType, i: number, all: FileType[]) =>
    i === all.findIndex((other) => MIXTURES[other].base === MIXTURES[type].base);
  const types = FILE_TYPES.filter(isNew).filter((type) => !needsImatrix(type));
  const sources = types.map((type) => path.join(folder, `random-${type}.gguf`));
  for (const [i, output] of sources.entries())
    await convert({ checkpoint, type: types[i], output, threads: 1 });
  for (const [i, { warnings }] of (await readAsStock(t, sources)).entries()) {
    const isRounded = !['F32', 'F16', 'BF16', 'Q8_0'].includes(types[i] ?? '');
    t.equal(
      warnings.some((warning) => /is quantised already/.test(warning)),
      isRounded,
    );
  }
});

const SIZES: RandomLlama = {
  ...{ nLayer: 2, nEmbd: 96, nHead: 6, nHeadKv: 3, headSize: 16, nFf: 128, hasBiases: true },
};
const RANK = 5;
const LORAS = {
  straight: { modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'up_proj'], isTransposed: false },
  transposed: { modules: ['k_proj', 'down_proj', 'gate_proj'], isTransposed: true },
};

for (const [name, { modules, isTransposed }] of Object.entries(LORAS))
  t.test(`a ${name} LoRA changes a GGUF as it changes the checkpoint, pruned or not`, async (t) => {
    const dir = path.join(folder, name);
    mkdirSync(dir);
    const weights = randomLlama(SIZES);
    const dense = writeLlama(path.join(dir, 'dense'), SIZES, weights);
    const matrices = randomLora(weights, modules, RANK, { isTransposed });
    const lora = writeLora(path.join(dir, 'lora'), matrices, RANK, {
      fan_in_fan_out: isTransposed,
    });
    const source = path.join(dir, 'source.gguf');
    await convert({ checkpoint: dense, type: 'F32', output: source });
    const layers = [
      { kvHeads: [0, 2], channels: [1, 5, 127] },
      { kvHeads: [1], channels: Array.from({ length: 64 }, (_, i) => 2 * i) },
    ];
    const [ours, reference] = [path.join(dir, 'a.gguf'), path.join(dir, 'b.gguf')];
    for (const pruning of [undefined, { layers, replaced: new Map(), metadata: {} }]) {
      const options: Partial<ConvertOptions> = { type: 'F32', lora, pruning, force: true };
      await convert({ ...options, checkpoint: source, output: ours });
      await convert({ ...options, checkpoint: dense, output: reference });
      await sameModel(t, ours, reference);
    }
    const plain = await digests(source);
    t.notSame(await digests(ours), plain);
  });

t.test('tokens stay as they are stored, a byte order mark and half a character, too', async (t) => {
  const source = path.join(folder, 'tokens.gguf');
  const bytes = tinyGguf(tinyLlamaGguf({ tokens: ['<s>', '\ufeff', 'a?', '\ufeffb'] }));
  bytes[bytes.indexOf('a?') + 1] = 0xc3;
  writeFileSync(source, bytes);
  const output = path.join(folder, 'tokens-out.gguf');
  await convert({ checkpoint: source, type: 'F32', output });
  // It has no template of its own.
  const { 'tokenizer.chat_template': _, ...written } = await storedTokenizer(output);
  t.strictSame(written, await storedTokenizer(source));
  const pairs = await readStoredPairs(await readGgufFile(output), 'tokenizer.ggml.tokens');
  const tokens = pairs['tokenizer.ggml.tokens']?.value as Uint8Array;
  t.ok(Buffer.from(tokens).includes(Buffer.from('\ufeffb')));
  t.ok(Buffer.from(tokens).includes(Buffer.from([0x61, 0xc3])));
});

t.test(
  'the command names the file for its source, and says where the model comes from',
  async (t) => {
    const cwd = t.testdir();
    const source = await convertSample(cwd, 'appliance/dense', { type: 'Q5_0', name: 'Dense one' });
    const run = await hearth(['convert', source, '--type', 'q4_0', '--chat-template', 'chatml'], {
      cwd,
    });
    t.equal(run.status, 0, run.stderr);
    t.match(
      run.stderr,
      /warning: .*is quantised already \(Q5_0, Q6_K\), and what that rounded away/,
    );
    const output = path.join(cwd, 'dense-Q5_0-Q4_0.gguf');
    const { metadata } = await readGgufFile(output);
    t.equal(metadata['general.name'], 'Dense one');
    t.equal(metadata['hearth.source.kind'], 'gguf');
    t.match(metadata['tokenizer.chat_template'], /im_start/);
    const inspected = await hearth(['inspect', output]);
    t.match(inspected.stdout, /hearth\.source\.files +\["dense-Q5_0\.gguf"\]/);
  },
);

/** Tensors, widths and all else that the network and the tokenizer need. */
async function sameModel(t: Test, ours: string, reference: string): Promise<void> {
  t.strictSame(await digests(ours), await digests(reference));
  const [a, b] = [await readGgufFile(ours), await readGgufFile(reference)];
  const pick = ({ metadata }: GgufFile) =>
    Object.fromEntries(
      Object.entries(metadata).filter(([key]) => /^(llama|deci|general.sampling)\./.test(key)),
    );
  t.strictSame(pick(a), pick(b));
  t.strictSame(await storedTokenizer(ours), await storedTokenizer(reference));
}

async function digests(file: string): Promise<Record<string, string>> {
  return tensorDigests(await readGgufTensors(file));
}

async function storedTokenizer(file: string): Promise<Record<string, string>> {
  const pairs = await readStoredPairs(await readGgufFile(file), 'tokenizer.');
  const hex = Object.entries(pairs).map(([key, { value }]): [string, string] => [
    key,
    Buffer.from(value as Uint8Array).toString('hex'),
  ]);
  return Object.fromEntries(hex.sort());
}
