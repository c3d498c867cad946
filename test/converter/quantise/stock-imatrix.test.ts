// With an importance matrix, too, every file is what llama.cpp's own llama_model_quantize makes of the same weights
// and the same matrix, which it gets through ggml's reader; and with a matrix of hearth's own, what llama-quantize
// makes: built from the sources that node-llama-cpp ships (llama/gitRelease.bundle, v0.5.0) and linked with its
// libraries, it ran on the random model below as F32. fixtures/imatrix holds the matrix, and digests of the files:
//   hearth calibrate random.gguf --tokens 8192 --gpu off -o random.calibration
//   llama-quantize --imatrix random.calibration random.gguf TYPE.gguf TYPE
// One file and one process of llama.cpp: its tables for types of two and three bits take 10 s of CPU in each.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sampleOptions } from '../../../bench/development/sample-models.js';
import { type ConvertOptions, convert } from '../../../converter/convert.js';
import { prepare } from '../../../converter/prepare.js';
import type { ImportanceMatrix } from '../../../model/imatrix/importance-matrix.js';
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
import { skipFileOffX64 } from '../../support/needs.js';
import { storePadded } from '../../support/padded.js';
import { randomLlama, writeLlama } from '../../support/random-llama.js';
import { compareTensors, readAsStock } from '../../support/same-blocks.js';
import { fixtures } from '../../support/samples.js';
import { type StockJob, stockQuantise } from '../../support/stock-quantise.js';

skipFileOffX64();

const folder = t.testdir();
const stored = path.join(fixtures, 'imatrix');
const QUANTISED = FILE_TYPES.filter((type) => !isFloatType(type));

const byLlamaQuantize = JSON.parse(
  readFileSync(path.join(stored, 'llama-quantize.json'), 'utf8'),
) as { [type in FileType]?: string };

/** Rows of whole blocks, and layers enough for each place that a mixture tells apart. */
const SIZES = { nLayer: 4, nEmbd: 256, nHead: 4, nHeadKv: 2, headSize: 64, nFf: 256 };
const PADDED_SIZES = { ...SIZES, nLayer: 2, nFf: 384 };
const whole = writeLlama(path.join(folder, 'whole'), SIZES, randomLlama(SIZES));
const padded = writeLlama(path.join(folder, 'padded'), PADDED_SIZES, randomLlama(PADDED_SIZES));

t.test('with a matrix of hearth calibrate, files are those of llama-quantize', async (t) => {
  const importance = await readImportanceMatrix(path.join(stored, 'random.calibration'));
  for (const [type, digest] of Object.entries(byLlamaQuantize) as [FileType, string][]) {
    const file = await converted({ checkpoint: whole, type, importance });
    t.equal(digestOf(tensorDigests(await readGgufTensors(file))), digest, type);
  }
  const types: FileType[] = ['IQ3_XXS', 'IQ2_S', 'IQ2_XS', 'IQ2_XXS'];
  t.test('those that need a matrix are read as llama.cpp reads them', async (t) => {
    await readAsStock(t, types.map(oursPath));
  });
});

type Sample = {
  options: Pick<ConvertOptions, 'checkpoint'>;
  types: readonly FileType[];
  importance: ImportanceMatrix;
  job: StockJob;
};

/** By name; what llama.cpp makes of them is made for all at once. */
const samples = new Map<string, Sample>();

/** A model and its made-up matrix, to be quantised into `types`. */
async function addSample(
  name: string,
  options: Sample['options'],
  types: readonly FileType[],
): Promise<void> {
  const own = path.join(folder, name.replaceAll('/', '-'));
  mkdirSync(own, { recursive: true });
  const input = path.join(own, 'source.gguf');
  await convert({ ...options, type: 'F32', output: input, threads: 1 });
  const imatrix = path.join(own, 'imatrix.gguf');
  await madeUpImportance(input, imatrix);
  const importance = await readImportanceMatrix(imatrix);
  const outputs = types.map((type) => [stockPath(own, type), MIXTURES[type].fileTypeId]);
  const job = { input, outputs: Object.fromEntries(outputs), imatrix };
  samples.set(name, { options, types, importance, job });
}

function stockPath(own: string, type: FileType): string {
  return path.join(own, `stock-${type}.gguf`);
}

const pruned: Record<string, FileType[]> = {
  'appliance/pruned-50': ['IQ4_XS', 'IQ2_XXS'],
  'formats/f_gqa': ['Q4_0', 'Q4_K_M', 'Q2_K', 'IQ4_XS', 'IQ3_M', 'IQ2_M', 'IQ2_XS'],
  'formats/f_tied': ['Q4_0', 'IQ4_NL', 'IQ2_XXS'],
  'formats/f_channel': ['Q4_0', 'IQ4_NL'],
};

t.test('llama.cpp makes its files', async () => {
  await addSample(
    'whole',
    { checkpoint: whole },
    QUANTISED.filter((type) => type === 'Q4_K_M' || !(type in byLlamaQuantize)),
  );
  for (const [name, types] of Object.entries(pruned))
    await addSample(name, sampleOptions(name), types);
  await stockQuantise(...[...samples.values()].map(({ job }) => job), await paddedJob());
});

type Pair = {
  type: FileType;
  ours: Map<string, StoredTensor>;
  stock: Map<string, StoredTensor>;
};

async function* pairsOf(name: string): AsyncGenerator<Pair> {
  const { options, types, importance, job } = samples.get(name) as Sample;
  for (const type of types) {
    const ours = await readGgufTensors(await converted({ ...options, type, importance }));
    const stock = await readGgufTensors(stockPath(path.dirname(job.input), type));
    yield { type, ours, stock };
  }
}

t.test('a model of whole blocks is what llama.cpp makes of it, tensor by tensor', async (t) => {
  for await (const { ours, stock, type } of pairsOf('whole')) {
    t.strictSame(tensorDigests(ours), tensorDigests(stock), type);
    if (type !== 'Q4_K_M') continue;
    const without = await readGgufTensors(await converted({ checkpoint: whole, type }));
    t.notSame(tensorDigests(ours), tensorDigests(without), 'it changes bytes');
  }
});

for (const name of Object.keys(pruned))
  t.test(`${name} has llama.cpp's blocks wherever the type is the same`, async (t) => {
    for await (const { ours, stock, type } of pairsOf(name)) {
      t.comment(type);
      compareTensors(t, ours, stock);
    }
  });

const PADDED_TYPE: FileType = 'IQ2_XXS';
const paddedOutput = path.join(folder, `stock-padded-${PADDED_TYPE}.gguf`);
let ownWidths: ImportanceMatrix;
let paddedWidths: ImportanceMatrix;

/** The model with the widths of its file, and a matrix that has zeros where they were added. */
async function paddedJob(): Promise<StockJob> {
  const matrix = path.join(folder, 'own-widths.gguf');
  await madeUpImportance(await converted({ checkpoint: padded, type: 'F32' }), matrix);
  ownWidths = await readImportanceMatrix(matrix);
  const options = { checkpoint: padded, type: PADDED_TYPE, importance: ownWidths };
  const input = await storePadded(folder, options);
  const imatrix = path.join(folder, 'padded-widths.gguf');
  const own = await madeUpImportance(input, imatrix);
  for (const [weight, values] of own.columns) {
    values.fill(0);
    values.set(ownWidths.columns.get(weight) as Float32Array);
  }
  await writeImportanceMatrix(imatrix, own, { force: true });
  paddedWidths = await readImportanceMatrix(imatrix);
  return { input, outputs: { [paddedOutput]: MIXTURES[PADDED_TYPE].fileTypeId }, imatrix };
}

t.test('columns of padding count nothing, as zeros of the matrix do', async (t) => {
  const options = { checkpoint: padded, type: PADDED_TYPE };
  const stock = await readGgufTensors(paddedOutput);
  const ours = await readGgufTensors(await converted({ ...options, importance: ownWidths }));
  const down = ours.get('blk.1.ffn_down.weight')?.shape[0] as number;
  t.equal(stock.get('blk.1.ffn_down.weight')?.shape[0], down, 'the same widths');
  t.ok(down > (ownWidths.columns.get('blk.1.ffn_down.weight')?.length as number), 'padded');
  for (const [weight, tensor] of ours)
    if (tensor.type === stock.get(weight)?.type && !tensor.bytes.equals(bytesOf(stock, weight)))
      t.fail(`${PADDED_TYPE}: ${weight} has other blocks`);
  t.equal(ours.get('blk.1.ffn_down.weight')?.type, stock.get('blk.1.ffn_down.weight')?.type);
  // A matrix that was computed with the padded file has those zeros, and says the same.
  const again = await readGgufTensors(await converted({ ...options, importance: paddedWidths }));
  t.strictSame(tensorDigests(again), tensorDigests(ours));
});

t.test('without a matrix llama.cpp refuses what hearth refuses', async (t) => {
  // That it makes the others is seen in stock.test.ts.
  const input = await convertSample(folder, 'appliance/dense', { type: 'F32', force: true });
  for (const type of QUANTISED.filter(needsImatrix)) {
    const output = path.join(folder, 'refused.gguf');
    await t.rejects(stockQuantise({ input, outputs: { [output]: MIXTURES[type].fileTypeId } }), {
      message: /requires an importance matrix/,
    });
    await t.rejects(prepare({ ...sampleOptions('appliance/dense'), type }), {
      message: /without an importance matrix.*--imatrix/s,
    });
  }
});

async function converted(options: Partial<ConvertOptions> & { type: FileType }): Promise<string> {
  const output = oursPath(options.type);
  await convert({ ...options, output, threads: 1, force: true } as ConvertOptions);
  return output;
}

function oursPath(type: FileType): string {
  return path.join(folder, `ours-${type}.gguf`);
}

/** Of types, shapes and bytes of all tensors, by name. */
function digestOf(tensors: Record<string, string>): string {
  return createHash('sha256').update(JSON.stringify(tensors)).digest('hex');
}

function bytesOf(tensors: ReadonlyMap<string, StoredTensor>, name: string): Buffer {
  return tensors.get(name)?.bytes ?? Buffer.alloc(0);
}
