// Importance matrices in both of llama.cpp's forms: what is read of them, against ggml's own reader and
// against files written by hand; and files that are none, or are damaged, at random, too.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import koffi from 'koffi';
import t from 'tap';
import { loadStockImatrix } from '../../../llama/stock-imatrix.js';
import { GgufFileError } from '../../../model/gguf/gguf-file.js';
import { ImportanceMatrixError } from '../../../model/imatrix/importance-matrix.js';
import { readImportanceMatrix } from '../../../model/imatrix/read-importance-matrix.js';
import { writeImportanceMatrix } from '../../../model/imatrix/write-importance-matrix.js';
import { type TinyGguf, tinyGguf } from '../../support/tiny-gguf.js';

const RUNS = 300;
const folder = t.testdir();
const at = (name: string) => path.join(folder, name);

const pairs = {
  'general.type': 'imatrix',
  'imatrix.datasets': ['wiki.train.raw'],
  'imatrix.chunk_count': 3,
  'imatrix.chunk_size': 512,
};

/** A file with F32 tensors of these values. */
function ggufOf(tensors: Record<string, number[]>, metadata: TinyGguf['metadata'] = pairs): Buffer {
  let offset = 0;
  const placed = Object.entries(tensors).map(([name, values]) => {
    const tensor = { name, type: 0, shape: [values.length], offset };
    offset += Math.ceil(values.length / 8) * 32;
    return tensor;
  });
  const header = tinyGguf({ metadata, tensors: placed });
  const data = Buffer.alloc(offset);
  for (const [i, values] of Object.values(tensors).entries())
    for (const [j, value] of values.entries())
      data.writeFloatLE(value, (placed[i]?.offset ?? 0) + 4 * j);
  return Buffer.concat([header, data]);
}

const whole = {
  'blk.0.attn_q.weight.in_sum2': [3, 6, 0, 1e6, 0.1],
  'blk.0.attn_q.weight.counts': [3],
  'blk.0.ffn_down.weight.in_sum2': [1, 2],
  'blk.0.ffn_down.weight.counts': [1536],
  // Of a calibration.
  'blk.0.ffn_down.weight.in_gram': [1, 0, 0, 1],
  'blk.0.ffn_down.weight.in_sum': [1, 2],
};

t.test('means are sums over counts, as float32', async (t) => {
  const file = at('whole.gguf');
  writeFileSync(file, ggufOf(whole));
  const matrix = await readImportanceMatrix(file);
  t.match(matrix, { datasets: ['wiki.train.raw'], chunkCount: 3, chunkSize: 512, file });
  t.same([...matrix.columns.keys()], ['blk.0.attn_q.weight', 'blk.0.ffn_down.weight']);
  t.same(
    matrix.columns.get('blk.0.attn_q.weight'),
    Float32Array.of(1, 2, 0, Math.fround(1e6) / 3, Math.fround(0.1) / 3),
  );
});

t.test('experts have counts of their own, and ones where no token came', async (t) => {
  const file = at('experts.gguf');
  writeFileSync(file, ggufOf({ 'e.in_sum2': [2, 4, 9, 9, 5, 10], 'e.counts': [2, 0, 5] }));
  const { columns } = await readImportanceMatrix(file);
  t.same(columns.get('e'), Float32Array.of(1, 2, 1, 1, 1, 2));
});

t.test('what is written is what ggml reads, and what is read again', async (t) => {
  const values = Float32Array.from({ length: 257 }, (_, i) => i ** 3 / 7);
  const columns = new Map([
    ['output.weight', Float32Array.of(0.5)],
    ['blk.0.attn_q.weight', values],
  ]);
  for (const datasets of [[], ['one', 'zwei ü']]) {
    const file = at('written.gguf');
    const matrix = { columns, datasets, chunkCount: 5, chunkSize: 100 };
    await writeImportanceMatrix(file, matrix, { force: true });
    const read = await readImportanceMatrix(file);
    t.match(read, { datasets, chunkCount: 5, chunkSize: 100 });
    for (const [name, expected] of columns) {
      const found = read.columns.get(name) ?? new Float32Array(0);
      t.equal(found.length, expected.length);
      const isNear = (value: number, i: number) =>
        Math.abs(value - (expected[i] as number)) <= 1.2e-7 * (expected[i] as number);
      t.ok(found.every(isNear), name);
    }
    t.strictSame(readByGgml(file), read.columns, 'to the bit');
  }
  await t.rejects(
    writeImportanceMatrix(at('written.gguf'), {
      columns,
      datasets: [],
      chunkCount: 0,
      chunkSize: 0,
    }),
    { message: /exists already/ },
  );
});

/** Of llama_model_imatrix_data[]: names, values and numbers of them. */
function readByGgml(file: string): Map<string, Float32Array> {
  const list = loadStockImatrix(file);
  const found = new Map<string, Float32Array>();
  for (let i = 0; ; i++) {
    const [name = 0n, data = 0n, n = 0n] = new BigUint64Array(koffi.view(list, 24 * (i + 1))).slice(
      3 * i,
    );
    if (name === 0n) return found;
    const values = new Float32Array(koffi.view(data, 4 * Number(n)));
    found.set(koffi.decode(name, 'char', -1), values.slice());
  }
}

function legacy(entries: [string, number, number[]][], rest = Buffer.alloc(0)): Buffer {
  return Buffer.concat([
    int32(entries.length),
    ...entries.flatMap(([name, nCalls, values]) => [
      ...[int32(name.length), Buffer.from(name), int32(nCalls), int32(values.length)],
      Buffer.from(Float32Array.from(values).buffer),
    ]),
    rest,
  ]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

const oldEntries: [string, number, number[]][] = [
  ['blk.0.attn_q.weight', 4, [4, 8, 1]],
  ['blk.0.ffn_down.weight', 0, [4, 8]],
];
const oldEnd = Buffer.concat([int32(7), int32(5), Buffer.from('a.txt')]);

t.test('the old form, with and without its end', async (t) => {
  const file = at('imatrix.dat');
  for (const [end, chunkCount, datasets] of [
    [Buffer.alloc(0), 0, []],
    [oldEnd, 7, ['a.txt']],
  ] as const) {
    writeFileSync(file, legacy(oldEntries, end));
    const matrix = await readImportanceMatrix(file);
    t.match(matrix, { chunkCount, datasets, chunkSize: 0 });
    t.same(matrix.columns.get('blk.0.attn_q.weight'), Float32Array.of(1, 2, 0.25));
    t.same(matrix.columns.get('blk.0.ffn_down.weight'), Float32Array.of(4, 8));
  }
});

const sums = (values: number[], counts = [1]) =>
  ggufOf({ 'a.in_sum2': values, 'a.counts': counts });
const overlaid = tinyGguf({
  metadata: pairs,
  tensors: Array.from({ length: 20 }, (_, i) => [
    { name: `${i}.in_sum2`, type: 0, shape: [2000], offset: 0 },
    { name: `${i}.counts`, type: 0, shape: [1], offset: 0 },
  ]).flat(),
  dataBytes: 8000,
});

const refused: [string, Buffer, RegExp][] = [
  ['a model', ggufOf(whole, { 'general.type': 'model' }), /no importance matrix.*imatrix.datasets/],
  ['no tensors', ggufOf({}), /holds no sums/],
  ['no counts', ggufOf({ 'a.in_sum2': [1] }), /"a" without its counts/],
  ['no sums', ggufOf({ 'a.counts': [1] }), /"a" without its in_sum2/],
  ['counts that do not divide', sums([1, 2, 3], [1, 1]), /2 counts for 3 sums/],
  ['more counts than sums', sums([1], [1, 1]), /2 counts for 1 sums/],
  ['not a number', sums([1, Number.NaN]), /"a" has the mean square NaN in column 1/],
  ['infinite', sums([Number.POSITIVE_INFINITY]), /mean square Infinity in column 0/],
  ['negative', sums([1, -1]), /mean square -1 in column 1/],
  ['enormous', sums([1e30]), /expected 0 to 1e\+20/],
  ['a negative count', sums([1], [-1]), /"a" has the count -1/],
  ['a count that is no number', sums([1], [Number.NaN]), /"a" has the count NaN/],
  ['over each other', overlaid, /lie over each other/],
  ['a cut file', ggufOf(whole).subarray(0, -40), /cut off/],
  ['an empty file', Buffer.alloc(0), /ends at byte 0/],
  ['text', Buffer.from('This is not what you want, whatever it is'), /no importance matrix/],
  ['the old form, cut', legacy(oldEntries).subarray(0, -1), /ends at byte/],
  ['the old form, negative', legacy([['a', 1, [-2]]]), /mean square -2/],
  ['the old form, empty', legacy([]), /no importance matrix: it has 0 at byte 0/],
];

for (const [what, bytes, message] of refused)
  t.test(`refused: ${what}`, async (t) => {
    const file = at('refused');
    writeFileSync(file, bytes);
    const error = await readImportanceMatrix(file).catch((refusal: Error) => refusal);
    t.ok(isRefusal(error), String(error));
    t.match((error as Error).message, message);
    t.ok((error as Error).message.startsWith(file));
  });

t.test('what is not there, or is no file', async (t) => {
  await t.rejects(readImportanceMatrix(at('nowhere')), { message: /nowhere: cannot be read/ });
  await t.rejects(readImportanceMatrix(folder), { message: /is not a file/ });
});

for (const [form, original] of [
  ['a GGUF', ggufOf(whole)],
  ['the old form', legacy(oldEntries, oldEnd)],
] as const)
  t.test(`damaged at random, ${form} is read or refused`, async (t) => {
    const file = at('damaged');
    const index = fc.nat(original.length - 1);
    const damage = fc.record({
      changes: fc.array(fc.tuple(index, fc.nat(255)), { maxLength: 8 }),
      length: fc.oneof(fc.constant(original.length), index),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ changes, length }) => {
        const bytes = Buffer.from(original);
        for (const [i, byte] of changes) bytes[i] = byte;
        writeFileSync(file, bytes.subarray(0, length));
        const found = await readImportanceMatrix(file).catch((refusal: Error) => refusal);
        if (found instanceof Error) return isRefusal(found);
        return [...found.columns.values()].every((means) => means.every((mean) => mean >= 0));
      }),
      { numRuns: RUNS },
    );
    t.ok(readFileSync(file), `${RUNS} files`);
  });

function isRefusal(error: unknown): boolean {
  return error instanceof ImportanceMatrixError || error instanceof GgufFileError;
}
