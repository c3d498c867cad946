// With an importance matrix, too, every file is what llama.cpp's own llama_model_quantize makes of the
// same weights and the same matrix, which it gets through ggml's reader.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sampleOptions } from '../../../bench/development/sample-models.js';
import { type ConvertOptions, convert } from '../../../converter/convert.js';
import { prepare } from '../../../converter/prepare.js';
import { readImportanceMatrix } from '../../../model/imatrix/read-importance-matrix.js';
import { writeImportanceMatrix } from '../../../model/imatrix/write-importance-matrix.js';
import {
  FILE_TYPES,
  type FileType,
  isFloatType,
  MIXTURES,
  needsImatrix,
} from '../../../model/types/mixtures.js';
import { convertSample } from '../../support/converted.js';
import { readGgufTensors, type StoredTensor, tensorDigests } from '../../support/gguf-tensors.js';
import { madeUpImportance } from '../../support/importance.js';
import { storePadded } from '../../support/padded.js';
import { randomLlama, writeLlama } from '../../support/random-llama.js';
import { compareTensors } from '../../support/same-blocks.js';
import { fixtures } from '../../support/samples.js';
import { stockQuantise } from '../../support/stock-quantise.js';

const folder = t.testdir();
const QUANTISED = FILE_TYPES.filter((type) => !isFloatType(type));

/** These types are held to llama-quantize itself, at the sizes below: llama-quantize.test.ts. */
const byLlamaQuantize = JSON.parse(
  readFileSync(path.join(fixtures, 'imatrix/llama-quantize.json'), 'utf8'),
) as object;

/** Rows of whole blocks, and layers enough for each place that a mixture tells apart. */
const SIZES = { nLayer: 4, nEmbd: 256, nHead: 4, nHeadKv: 2, headSize: 64, nFf: 256 };

t.test('a model of whole blocks is what llama.cpp makes of it, tensor by tensor', async (t) => {
  const checkpoint = writeLlama(path.join(folder, 'whole'), SIZES, randomLlama(SIZES));
  const types = QUANTISED.filter((type) => !(type in byLlamaQuantize));
  for (const { ours, stock, type } of await quantiseBoth({ checkpoint }, types))
    t.strictSame(tensorDigests(ours), tensorDigests(stock), type);
  const [pair] = await quantiseBoth({ checkpoint }, ['Q4_K_M']);
  const without = await readGgufTensors(await converted({ checkpoint, type: 'Q4_K_M' }));
  t.notSame(tensorDigests(pair?.ours ?? new Map()), tensorDigests(without), 'it changes bytes');
});

const pruned: Record<string, FileType[]> = {
  'appliance/pruned-50': ['IQ4_XS', 'IQ2_XXS'],
  'formats/f_gqa': ['Q4_0', 'Q4_K_M', 'Q2_K', 'IQ4_XS', 'IQ3_M', 'IQ2_M', 'IQ2_XS'],
  // IQ2_M would be 7 s of CPU for llama.cpp's tables, here and in llama.cpp's process.
  'formats/f_tied': ['Q4_0', 'IQ4_NL', 'IQ2_XXS'],
  'formats/f_channel': ['Q4_0', 'IQ4_NL'],
};

for (const [name, types] of Object.entries(pruned))
  t.test(`${name} has llama.cpp's blocks wherever the type is the same`, async (t) => {
    for (const { ours, stock, type } of await quantiseBoth(sampleOptions(name), types)) {
      t.comment(type);
      compareTensors(t, ours, stock);
    }
  });

t.test('columns of padding count nothing, as zeros of the matrix do', async (t) => {
  const sizes = { ...SIZES, nLayer: 2, nFf: 384 };
  const checkpoint = writeLlama(path.join(folder, 'padded'), sizes, randomLlama(sizes));
  const matrix = path.join(folder, 'own-widths.gguf');
  await madeUpImportance(await converted({ checkpoint, type: 'F32' }), matrix);
  const importance = await readImportanceMatrix(matrix);
  const type: FileType = 'IQ2_XXS';
  const options = { checkpoint, type, importance };
  const source = await storePadded(folder, options);
  const widths = await readGgufTensors(source);
  const padded = path.join(folder, 'padded-widths.gguf');
  const own = await madeUpImportance(source, padded);
  for (const [weight, values] of own.columns) {
    values.fill(0);
    values.set(importance.columns.get(weight) as Float32Array);
  }
  await writeImportanceMatrix(padded, own, { force: true });
  const output = path.join(folder, `stock-padded-${type}.gguf`);
  await stockQuantise(source, { [output]: MIXTURES[type].fileTypeId }, padded);
  const stock = await readGgufTensors(output);
  const ours = await readGgufTensors(await converted(options));
  const down = ours.get('blk.1.ffn_down.weight')?.shape[0] as number;
  t.equal(widths.get('blk.1.ffn_down.weight')?.shape[0], down, 'the same widths');
  t.ok(down > (importance.columns.get('blk.1.ffn_down.weight')?.length as number), 'padded');
  for (const [weight, tensor] of ours)
    if (tensor.type === stock.get(weight)?.type && !tensor.bytes.equals(bytesOf(stock, weight)))
      t.fail(`${type}: ${weight} has other blocks`);
  t.equal(ours.get('blk.1.ffn_down.weight')?.type, stock.get('blk.1.ffn_down.weight')?.type);
  // A matrix that was computed with the padded file has those zeros, and says the same.
  const again = { ...options, importance: await readImportanceMatrix(padded) };
  t.strictSame(tensorDigests(await readGgufTensors(await converted(again))), tensorDigests(ours));
});

t.test('without a matrix llama.cpp refuses what hearth refuses', async (t) => {
  // That it makes the others is seen in stock.test.ts.
  const source = await convertSample(folder, 'appliance/dense', { type: 'F32', force: true });
  for (const type of QUANTISED.filter(needsImatrix)) {
    const output = path.join(folder, 'refused.gguf');
    await t.rejects(stockQuantise(source, { [output]: MIXTURES[type].fileTypeId }), {
      message: /requires an importance matrix/,
    });
    await t.rejects(prepare({ ...sampleOptions('appliance/dense'), type }), {
      message: /without an importance matrix.*--imatrix/s,
    });
  }
});

type Pair = {
  type: FileType;
  ours: Map<string, StoredTensor>;
  stock: Map<string, StoredTensor>;
};

async function quantiseBoth(
  sample: Pick<ConvertOptions, 'checkpoint'>,
  types: readonly FileType[],
): Promise<Pair[]> {
  const source = await converted({ ...sample, type: 'F32' });
  const matrix = path.join(folder, 'imatrix.gguf');
  await madeUpImportance(source, matrix);
  const importance = await readImportanceMatrix(matrix);
  const stockPath = (type: FileType) => path.join(folder, `stock-${type}.gguf`);
  const outputs = types.map((type) => [stockPath(type), MIXTURES[type].fileTypeId]);
  await stockQuantise(source, Object.fromEntries(outputs), matrix);
  const pairs: Pair[] = [];
  for (const type of types) {
    const ours = await readGgufTensors(await converted({ ...sample, type, importance }));
    pairs.push({ type, ours, stock: await readGgufTensors(stockPath(type)) });
  }
  return pairs;
}

async function converted(options: Partial<ConvertOptions>): Promise<string> {
  const output = path.join(folder, `ours-${options.type}.gguf`);
  await convert({ ...options, output, threads: 1, force: true } as ConvertOptions);
  return output;
}

function bytesOf(tensors: ReadonlyMap<string, StoredTensor>, name: string): Buffer {
  return tensors.get(name)?.bytes ?? Buffer.alloc(0);
}
