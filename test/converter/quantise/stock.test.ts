// Every mixture against llama.cpp's own llama_model_quantize on the same weights: the same type for
// every tensor and the same bytes. Only where pruning left rows that are no whole blocks may ours
// differ, and then never to a larger type than llama.cpp's.
import { statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sampleOptions } from '../../../bench/development/sample-models.js';
import { type ConvertOptions, convert } from '../../../converter/convert.js';
import { type FileType, fileTypesFor, MIXTURES } from '../../../model/types/mixtures.js';
import { readGgufTensors, type StoredTensor, tensorDigests } from '../../support/gguf-tensors.js';
import { skipFileOffX64 } from '../../support/needs.js';
import { randomLlama, writeLlama } from '../../support/random-llama.js';
import { compareTensors } from '../../support/same-blocks.js';
import { type StockJob, stockQuantise } from '../../support/stock-quantise.js';

skipFileOffX64();

const folder = t.testdir();
/** The others are in stock-imatrix.test.ts. */
const TYPES = fileTypesFor({ hasImatrix: false });

const pruned: Record<string, FileType[]> = {
  'appliance/pruned-20': ['Q8_0', 'Q4_K_M', 'Q4_0', 'Q2_K'],
  'formats/f_gqa': TYPES,
  'formats/f_global': ['BF16', 'Q5_K_S', 'Q4_K_S', 'Q3_K_M'],
  'formats/f_channel': ['BF16', 'Q8_0', 'Q4_0', 'IQ4_NL'],
};
/** Widths of 32 but not of 256: K-quants fall back everywhere. */
const TIED: FileType[] = ['Q8_0', 'Q4_0', 'Q5_0', 'IQ4_NL', 'F16', 'BF16'];
/** Layers enough for each place that a mixture tells apart. */
const SIZES = { nLayer: 4, nEmbd: 256, nHead: 4, nHeadKv: 2, headSize: 64, nFf: 256 };

type Files = { type: FileType; ours: string; stock: string };

/** By the sample's name. */
const files = new Map<string, Files[]>();

t.test('hearth and llama.cpp make their files', async () => {
  const checkpoint = writeLlama(path.join(folder, 'whole'), SIZES, randomLlama(SIZES));
  const jobs = [
    await addSample('whole', TYPES, { checkpoint }),
    await addSample('formats/f_tied', TIED, sampleOptions('formats/f_tied')),
  ];
  for (const [name, types] of Object.entries(pruned))
    jobs.push(await addSample(name, types, sampleOptions(name)));
  await stockQuantise(...jobs);
});

/** Converts the sample into `types`; what llama.cpp is to do. */
async function addSample(
  name: string,
  types: readonly FileType[],
  options: Pick<ConvertOptions, 'checkpoint'>,
): Promise<StockJob> {
  const at = (file: string) => path.join(folder, `${name.replaceAll('/', '-')}-${file}.gguf`);
  const made = types.map((type) => ({ type, ours: at(type), stock: at(`${type}.stock`) }));
  files.set(name, made);
  for (const { type, ours } of made) await convert({ ...options, type, output: ours, threads: 1 });
  const input = at('source');
  await convert({ ...options, type: 'F32', output: input, threads: 1 });
  const outputs = made.map(({ type, stock }) => [stock, MIXTURES[type].fileTypeId]);
  return { input, outputs: Object.fromEntries(outputs) };
}

type Pair = {
  type: FileType;
  ours: Map<string, StoredTensor>;
  stock: Map<string, StoredTensor>;
};

async function* pairsOf(name: string): AsyncGenerator<Pair> {
  for (const { type, ours, stock } of files.get(name) ?? [])
    yield { type, ours: await readGgufTensors(ours), stock: await readGgufTensors(stock) };
}

t.test('a model of whole blocks is what llama.cpp makes of it, tensor by tensor', async (t) => {
  for await (const { ours, stock, type } of pairsOf('whole'))
    t.strictSame(tensorDigests(ours), tensorDigests(stock), type);
});

t.test('tied embeddings are quantised as an output, as llama.cpp does', async (t) => {
  for await (const { ours, stock, type } of pairsOf('formats/f_tied')) {
    t.equal(ours.get('token_embd.weight')?.type, stock.get('token_embd.weight')?.type, type);
    compareTensors(t, ours, stock);
  }
});

for (const name of Object.keys(pruned))
  t.test(`${name} has llama.cpp's blocks wherever the type is the same`, async (t) => {
    for await (const { ours, stock, type } of pairsOf(name)) {
      t.comment(type);
      compareTensors(t, ours, stock);
    }
  });

t.test('no quantised file is larger than the one that llama.cpp makes', async (t) => {
  const all = [...files.values()].flat();
  t.ok(all.length > 40);
  // Provenance takes some kilobytes of the header.
  for (const { ours, stock } of all) t.ok(statSync(ours).size <= statSync(stock).size + 8192, ours);
});
