// Every mixture against llama.cpp's own llama_model_quantize on the same weights: the same type for
// every tensor and the same bytes. Only where pruning left rows that are no whole blocks may ours
// differ, and then never to a larger type than llama.cpp's.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { type FileType, fileTypesFor, MIXTURES } from '../../../model/types/mixtures.js';
import { convertSample } from '../../support/converted.js';
import { readGgufTensors, type StoredTensor, tensorDigests } from '../../support/gguf-tensors.js';
import { randomLlama, writeLlama } from '../../support/random-llama.js';
import { compareTensors } from '../../support/same-blocks.js';
import { stockQuantise } from '../../support/stock-quantise.js';

const folder = t.testdir();
/** The others are in stock-imatrix.test.ts. */
const TYPES = fileTypesFor({ hasImatrix: false });

t.test('a model of whole blocks is what llama.cpp makes of it, tensor by tensor', async (t) => {
  // Layers enough for each place that a mixture tells apart.
  const sizes = { nLayer: 4, nEmbd: 256, nHead: 4, nHeadKv: 2, headSize: 64, nFf: 256 };
  const checkpoint = writeLlama(path.join(folder, 'whole'), sizes, randomLlama(sizes));
  for (const { ours, stock, type } of await quantiseBoth('appliance/dense', TYPES, { checkpoint }))
    t.strictSame(tensorDigests(ours), tensorDigests(stock), type);
});

t.test('tied embeddings are quantised as an output, as llama.cpp does', async (t) => {
  // Widths of 32 but not of 256: K-quants fall back everywhere.
  const types: FileType[] = ['Q8_0', 'Q4_0', 'Q5_0', 'IQ4_NL', 'F16', 'BF16'];
  for (const { ours, stock, type } of await quantiseBoth('formats/f_tied', types)) {
    t.equal(ours.get('token_embd.weight')?.type, stock.get('token_embd.weight')?.type, type);
    compareTensors(t, ours, stock);
  }
});

const pruned: Record<string, FileType[]> = {
  'appliance/pruned-20': ['Q8_0', 'Q4_K_M', 'Q4_0', 'Q2_K'],
  'formats/f_gqa': TYPES,
  'formats/f_global': ['BF16', 'Q5_K_S', 'Q4_K_S', 'Q3_K_M'],
  'formats/f_channel': ['BF16', 'Q8_0', 'Q4_0', 'IQ4_NL'],
};

for (const [name, types] of Object.entries(pruned))
  t.test(`${name} has llama.cpp's blocks wherever the type is the same`, async (t) => {
    for (const { ours, stock, type } of await quantiseBoth(name, types)) {
      t.comment(type);
      compareTensors(t, ours, stock);
    }
  });

t.test('no quantised file is larger than the one that llama.cpp makes', async (t) => {
  const files = readdirSync(folder).filter((file) => file.startsWith('stock-'));
  t.ok(files.length > 40);
  for (const file of files) {
    const ours = statSync(path.join(folder, file.slice('stock-'.length))).size;
    // Provenance takes some kilobytes of the header.
    t.ok(ours <= statSync(path.join(folder, file)).size + 8192, file);
  }
});

type Pair = {
  type: FileType;
  ours: Map<string, StoredTensor>;
  stock: Map<string, StoredTensor>;
};

async function quantiseBoth(
  name: string,
  types: readonly FileType[],
  given: { checkpoint?: string } = {},
): Promise<Pair[]> {
  const source = await convertSample(folder, name, { ...given, type: 'F32', force: true });
  const files = [];
  for (const type of types)
    files.push({ type, ours: await convertSample(folder, name, { ...given, type, force: true }) });
  const stockPath = (ours: string) => path.join(folder, `stock-${path.basename(ours)}`);
  await stockQuantise(
    source,
    Object.fromEntries(files.map(({ type, ours }) => [stockPath(ours), MIXTURES[type].fileTypeId])),
  );
  return await Promise.all(
    files.map(async ({ type, ours }) => ({
      type,
      ours: await readGgufTensors(ours),
      stock: await readGgufTensors(stockPath(ours)),
    })),
  );
}
