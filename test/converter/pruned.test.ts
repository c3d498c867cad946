// What convert writes of a dense model with parts left out, against the same model cut beforehand by
// the few lines at the end: tensor by tensor the same bytes, with a LoRA, too. Heads and channels are
// counted in the unpruned model.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { convert } from '../../converter/convert.js';
import type { KeptParts, Pruning } from '../../model/checkpoint/pruned-checkpoint.js';
import type { TensorSource } from '../../model/checkpoint/tensor-source.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import type { FileType } from '../../model/types/mixtures.js';
import { readGgufTensors, tensorDigests } from '../support/gguf-tensors.js';
import {
  type Matrices,
  type Matrix,
  type RandomLlama,
  randomLlama,
  randomLora,
  writeLlama,
  writeLora,
} from '../support/random-llama.js';

const PLAIN: RandomLlama = {
  ...{ nLayer: 3, nEmbd: 96, nHead: 4, nHeadKv: 4, headSize: 32, nFf: 300 },
};
const GROUPED: RandomLlama = { ...PLAIN, nHead: 6, nHeadKv: 3, headSize: 16, hasBiases: true };
/** Two pieces a matrix. */
const LARGE: RandomLlama = { ...PLAIN, nLayer: 1, nEmbd: 512, nFf: 2304 };

const RANK = 6;
const NOTHING_NEW = { replaced: new Map<string, TensorSource>(), metadata: {} };

type Case = { sizes: RandomLlama; layers: KeptParts[]; types: FileType[]; lora?: string[] };

const some = (count: number, every: number) =>
  Array.from({ length: count }, (_, i) => i).filter((i) => i % every !== 1);
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

const CASES: Record<string, Case> = {
  'one head a group': {
    sizes: PLAIN,
    layers: [
      { kvHeads: all(4), channels: all(300) },
      { kvHeads: [0, 2, 3], channels: some(300, 3) },
      { kvHeads: [1], channels: all(128) },
    ],
    types: ['F32', 'F16', 'Q8_0', 'Q4_K_M'],
    lora: ['q_proj', 'v_proj', 'o_proj', 'down_proj', 'gate_proj'],
  },
  'two heads a group, with biases': {
    sizes: GROUPED,
    layers: [
      { kvHeads: [1, 2], channels: some(300, 2) },
      { kvHeads: all(3), channels: [299] },
      { kvHeads: [0], channels: some(300, 7) },
    ],
    types: ['F32', 'Q4_0'],
    lora: ['q_proj', 'k_proj', 'up_proj', 'down_proj', 'o_proj'],
  },
  'layers that keep no head or no channel': {
    sizes: PLAIN,
    layers: [
      { kvHeads: [], channels: some(300, 3) },
      { kvHeads: [], channels: all(300) },
      { kvHeads: [0, 1], channels: [] },
    ],
    types: ['F32', 'Q8_0'],
    lora: ['q_proj', 'o_proj', 'down_proj'],
  },
  'matrices of several pieces': {
    sizes: LARGE,
    layers: [{ kvHeads: [0, 3], channels: some(2304, 10) }],
    types: ['F32', 'Q4_K_S'],
    lora: ['down_proj', 'up_proj'],
  },
};

for (const [name, { sizes, layers, types, lora: modules }] of Object.entries(CASES))
  t.test(`${name}: the same bytes as of a model cut beforehand`, async (t) => {
    const folder = t.testdir();
    const dense = randomLlama(sizes);
    const lora = randomLora(dense, modules ?? [], RANK);
    const before = writeLlama(path.join(folder, 'dense'), sizes, dense);
    const after = writeLlama(path.join(folder, 'cut'), sizes, cut(dense, sizes, layers));
    const denseLora = writeLora(path.join(folder, 'dense-lora'), lora, RANK);
    const cutLora = writeLora(path.join(folder, 'cut-lora'), cut(lora, sizes, layers), RANK);
    const output = path.join(folder, 'a.gguf');
    const reference = path.join(folder, 'b.gguf');
    const pruning: Pruning = { layers, ...NOTHING_NEW };
    const common = { force: true, threads: 2, name: 'a' };
    for (const type of types)
      for (const [of, cutOf] of [
        [undefined, undefined],
        [denseLora, cutLora],
      ]) {
        const options = { ...common, type };
        const made = await convert({ ...options, checkpoint: before, lora: of, output, pruning });
        await convert({ ...options, checkpoint: after, lora: cutOf, output: reference });
        t.strictSame(await digests(output), await digests(reference), `${type} ${of ?? ''}`);
        t.equal(made.nParams, countWeights(cut(dense, sizes, layers)));
        t.equal(made.nParamsDense, countWeights(dense));
        await sameHeader(t, output, reference);
      }
  });

t.test('the sources are named with their digests, and so is what was pruned', async (t) => {
  const folder = t.testdir();
  const checkpoint = writeLlama(path.join(folder, 'dense'), PLAIN, randomLlama(PLAIN));
  const output = path.join(folder, 'a.gguf');
  const layers = all(3).map(() => ({ kvHeads: [1, 2], channels: some(300, 4) }));
  const metadata = { 'hearth.pruning.method': { type: 'STRING', value: 'test' } } as const;
  await convert({ checkpoint, output, type: 'F32', pruning: { ...NOTHING_NEW, layers, metadata } });
  const file = (await readGgufFile(output)).metadata;
  t.equal(file['hearth.pruning.method'], 'test');
  const names = file['hearth.source.files'] as string[];
  const expected = names.map((name) =>
    createHash('sha256')
      .update(readFileSync(path.join(checkpoint, name)))
      .digest('hex'),
  );
  t.strictSame(file['hearth.source.sha256'], expected);
});

t.test('tensors that were made anew are written as they are, without the LoRA', async (t) => {
  const folder = t.testdir();
  const dense = randomLlama(PLAIN);
  const layers = all(3).map(() => ({ kvHeads: [1, 2], channels: some(300, 4) }));
  const checkpoint = writeLlama(path.join(folder, 'dense'), PLAIN, dense);
  const lora = randomLora(dense, ['down_proj', 'o_proj', 'q_proj'], RANK);
  const pruned = cut(dense, PLAIN, layers);
  const cutPairs = cut(lora, PLAIN, layers);
  const replaced = new Map<string, TensorSource>();
  const replace = (name: string, shape: number[]) => {
    const values = Float32Array.from({ length: shape[0] ?? 0 }, (_, i) => i / 7);
    const matrix = { shape, values: shape[1] ? repeat(values, shape[1]) : values };
    pruned.set(name, matrix);
    for (const half of ['A', 'B']) cutPairs.delete(name.replace(/weight$/, `lora_${half}`));
    replaced.set(name, storeMatrix(folder, name, matrix));
  };
  replace('model.layers.1.mlp.down_proj.weight', [96, some(300, 4).length]);
  replace('model.layers.1.mlp.down_proj.bias', [96]);
  replace('model.layers.2.self_attn.o_proj.weight', [96, 64]);
  replace('model.layers.0.self_attn.o_proj.bias', [96]);
  const reference = writeLlama(path.join(folder, 'cut'), PLAIN, pruned);
  const [output, expected] = [path.join(folder, 'a.gguf'), path.join(folder, 'b.gguf')];
  const common = { type: 'F32', threads: 1 } as const;
  const denseLora = writeLora(path.join(folder, 'dense-lora'), lora, RANK);
  const pruning = { layers, replaced, metadata: {} };
  await convert({ ...common, checkpoint, lora: denseLora, output, pruning });
  const cutLora = writeLora(path.join(folder, 'cut-lora'), cutPairs, RANK);
  await convert({ ...common, checkpoint: reference, lora: cutLora, output: expected });
  t.strictSame(await digests(output), await digests(expected));
});

t.test('a number that is none is told where it lies in the unpruned model', async (t) => {
  const folder = t.testdir();
  const dense = randomLlama(PLAIN);
  const name = 'model.layers.1.mlp.down_proj.weight';
  (dense.get(name) as Matrix).values[2 * 300 + 8] = Number.NaN;
  const checkpoint = writeLlama(path.join(folder, 'dense'), PLAIN, dense);
  const output = path.join(folder, 'a.gguf');
  const layers = all(3).map(() => ({ kvHeads: [1], channels: some(300, 3) }));
  await t.rejects(convert({ checkpoint, output, pruning: { layers, ...NOTHING_NEW } }), {
    message: new RegExp(`${name} has NaN in row 2, column 8`),
  });
});

async function digests(file: string): Promise<Record<string, string>> {
  return tensorDigests(await readGgufTensors(file));
}

/** Widths and all else that the network needs. */
async function sameHeader(t: Test, output: string, reference: string): Promise<void> {
  const [ours, theirs] = [await readGgufFile(output), await readGgufFile(reference)];
  const pick = (metadata: typeof ours.metadata) =>
    Object.entries(metadata).filter(([key]) => /^(llama|deci|tokenizer|hearth.unp)/.test(key));
  t.strictSame(pick(ours.metadata), pick(theirs.metadata));
}

function countWeights(weights: Matrices): number {
  return [...weights.values()].reduce((sum, { values }) => sum + values.length, 0);
}

/** Every value `count` times. */
function repeat(values: Float32Array, count: number): Float32Array {
  return Float32Array.from({ length: values.length * count }, (_, i) =>
    Number(values[Math.floor(i / count)]),
  );
}

function storeMatrix(folder: string, name: string, { shape, values }: Matrix): TensorSource {
  const filePath = path.join(folder, name);
  writeFileSync(filePath, values);
  const place = { filePath, offsetBytes: 0, sizeBytes: values.byteLength };
  return { name, dtype: 'F32', shape, ...place };
}

/** Weights, or the matrices of a LoRA, without the heads and channels that are not kept. */
function cut(weights: Matrices, sizes: RandomLlama, layers: readonly KeptParts[]): Matrices {
  const share = sizes.nHead / sizes.nHeadKv;
  const result: Matrices = new Map();
  for (const [name, matrix] of weights) {
    const kept = layers[Number(/layers\.(\d+)/.exec(name)?.[1])] ?? { kvHeads: [], channels: [] };
    const heads = kept.kvHeads.flatMap((head) => all(share).map((i) => head * share + i));
    const rowsOf = (list: readonly number[]) =>
      list.flatMap((head) => all(sizes.headSize).map((i) => head * sizes.headSize + i));
    const isOut = !name.endsWith('lora_A');
    const isIn = !/(lora_B|bias)$/.test(name);
    let made = matrix;
    if (/q_proj/.test(name) && isOut) made = keepRows(made, rowsOf(heads));
    if (/[kv]_proj/.test(name) && isOut) made = keepRows(made, rowsOf(kept.kvHeads));
    if (/(gate|up)_proj/.test(name) && isOut) made = keepRows(made, kept.channels);
    if (/o_proj/.test(name) && isIn) made = keepColumns(made, rowsOf(heads));
    if (/down_proj/.test(name) && isIn) made = keepColumns(made, kept.channels);
    result.set(name, made);
  }
  return result;
}

function keepRows({ shape, values }: Matrix, kept: readonly number[]): Matrix {
  const width = shape[1] ?? 1;
  const rows = kept.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]);
  return { shape: [kept.length, ...shape.slice(1)], values: Float32Array.from(rows) };
}

function keepColumns({ shape, values }: Matrix, kept: readonly number[]): Matrix {
  const [nRows = 0, width = 0] = shape;
  const all = Array.from({ length: nRows }, (_, row) =>
    kept.map((column) => values[row * width + column] as number),
  );
  return { shape: [nRows, kept.length], values: Float32Array.from(all.flat()) };
}
