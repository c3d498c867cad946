// Packs large fixtures into what bench/packed-fixtures.ts unpacks, in place: node dist/bench/pack-fixtures.js
// What a file is made from is named here; where its weights lie there is found by comparing them.
import { createHash } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { readLlmPruner } from '../../model/checkpoint/llm-pruner.js';
import type { TensorSource } from '../../model/checkpoint/tensor-source.js';
import { openTorchArchive } from '../../model/checkpoint/torch/torch-archive.js';
import { readWeights } from '../../model/checkpoint/weight-files.js';
import {
  type FixturePart,
  type FixtureWeights,
  PACKAGE_ROOT,
  PACKED,
  type Recipe,
  readFixture,
} from './packed-fixtures.js';

const appliance = (name: string) => `test/fixtures/appliance/${name}`;
const format = (name: string) => `test/fixtures/formats/${name}/pytorch_model.bin`;
const bad = (name: string) => `test/fixtures/bad/${name}`;

const DENSE = appliance('dense/model.safetensors');

/** PyTorch begins every storage at a multiple of this. */
const BLOCK = 64;

/** Each large file and what it shares weights with, in the order in which they depend on another. */
const WEIGHTS: readonly [file: string, sources: string[]][] = [
  [DENSE, ['converter/demo/appliance-pruned-20/pytorch_model.bin']],
  [appliance('pruned-35/pytorch_model.bin'), [DENSE]],
  [appliance('pruned-50/pytorch_model.bin'), [DENSE]],
  [format('f_layer'), []],
  [format('f_old'), [format('f_layer')]],
  [format('f_mix'), [format('f_layer'), format('f_old')]],
  [format('f_global'), [format('f_layer'), format('f_old'), format('f_mix')]],
  [format('f_channel'), [format('f_layer'), format('f_old'), format('f_mix'), format('f_global')]],
  [format('f_gqa'), []],
  [format('f_fast'), [format('f_gqa')]],
  [format('f_tied'), []],
  [bad('ffn-mismatch.bin'), [format('f_global')]],
  [bad('hf-config-mismatch/model.safetensors'), [format('f_tied')]],
];

/** Files that share whole stretches of bytes with another, or nothing. */
const BYTES: readonly [file: string, source?: string][] = [
  [bad('truncated.bin'), format('f_global')],
  [bad('lora-unknown-layer/adapter_model.bin')],
  [bad('lora-wrong-shape/adapter_model.bin'), bad('lora-unknown-layer/adapter_model.bin')],
  [bad('lora-half/adapter_model.bin'), bad('lora-unknown-layer/adapter_model.bin')],
  ...['dense', 'pruned-20', 'pruned-35', 'pruned-50'].flatMap((name) =>
    ['plain', 'lora'].map((variant): [string] => [appliance(`${name}/reference/${variant}.f32`)]),
  ),
];

for (const [file, sources] of WEIGHTS)
  if (isWhole(file)) await pack(file, await weightParts(file, sources));
for (const [file, source] of BYTES) if (isWhole(file)) await pack(file, copiedParts(file, source));

function isWhole(file: string): boolean {
  return existsSync(path.join(PACKAGE_ROOT, file));
}

/** Parts that say where they start in the file; between them is rest. */
type Found = { start: number; nBytes: number; part: FixturePart };

async function pack(file: string, found: readonly Found[]): Promise<void> {
  const bytes = readFixture(file);
  const parts: FixturePart[] = [];
  const rest: Buffer[] = [];
  let end = 0;
  for (const { start, nBytes, part } of [
    ...found,
    { start: bytes.length, nBytes: 0, part: null },
  ]) {
    if (start > end) parts.push({ kind: 'rest', nBytes: start - end });
    rest.push(bytes.subarray(end, start));
    end = start + nBytes;
    if (part) parts.push(part);
    if (part?.kind === 'weights') rest.push(newWeights(part, bytes.subarray(start, end)));
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const recipe = JSON.stringify({ sha256, parts } satisfies Recipe);
  const whole = path.join(PACKAGE_ROOT, file);
  const packed = compress(Buffer.concat([Buffer.from(`${recipe}\n`), ...rest]));
  writeFileSync(whole + PACKED, packed);
  rmSync(whole);
  if (!readFixture(file).equals(bytes)) throw new Error(`${file} is not what was packed`);
  console.log(`${file} ${bytes.length} -> ${packed.length}`);
}

function newWeights({ rows, columns }: FixtureWeights, bytes: Buffer): Buffer {
  const isNew = rows.flatMap((row) => columns.map((column) => row === null || column === null));
  return Buffer.concat(isNew.flatMap((is, i) => (is ? [bytes.subarray(2 * i, 2 * i + 2)] : [])));
}

function compress(bytes: Buffer): Buffer {
  const params = {
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return brotliCompressSync(bytes, { params });
}

/** Where each matrix of `file` stands in one of `sources`, if most of it does. */
async function weightParts(file: string, sources: readonly string[]): Promise<Found[]> {
  const candidates: Matrix[] = [];
  for (const source of sources) candidates.push(...(await matrices(source)));
  return (await matrices(file)).flatMap((matrix) => {
    const best = candidates
      .flatMap((candidate) => placesIn(candidate, matrix))
      .reduce<Places | null>((a, b) => (a && a.share >= b.share ? a : b), null);
    if (!best || best.share < 0.2) return [];
    const { from, at, nCols, rows, columns } = best;
    const part = { kind: 'weights', from, at, nCols, rows, columns } as const;
    return [{ start: matrix.at, nBytes: matrix.bytes.length, part }];
  });
}

type Bytes = { nRows: number; nCols: number; bytes: Buffer };

type Matrix = Bytes & { from: string; at: number; rowKeys: string[]; columnKeys: string[] };

type Places = Omit<FixtureWeights, 'kind'> & { share: number };

async function matrices(file: string): Promise<Matrix[]> {
  const bytes = readFixture(file);
  const copy = path.join(PACKAGE_ROOT, 'dist', `packing${path.extname(file)}`);
  writeFileSync(copy, bytes);
  const tensors = copy.endsWith('.bin')
    ? (await readLlmPruner(await openTorchArchive(copy))).tensors
    : await readWeights(copy, undefined).then(({ tensors }) => tensors);
  rmSync(copy);
  const byOffset = new Map<number, TensorSource>();
  for (const tensor of tensors.values())
    if (tensor.dtype === 'F16' && tensor.shape.length === 2)
      byOffset.set(tensor.offsetBytes, tensor);
  return [...byOffset.values()]
    .sort((a, b) => a.offsetBytes - b.offsetBytes)
    .map(({ offsetBytes: at, shape, sizeBytes }) => {
      const [nRows = 0, nCols = 0] = shape;
      const weights = { nRows, nCols, bytes: bytes.subarray(at, at + sizeBytes) };
      return {
        from: file,
        at,
        ...weights,
        rowKeys: rowKeys(weights),
        columnKeys: columnKeys(weights),
      };
    });
}

function placesIn(source: Matrix, target: Matrix): Places[] {
  const { from, at, nCols } = source;
  const places: Places[] = [];
  if (source.nCols === target.nCols) {
    const rows = indices(source.rowKeys, target.rowKeys);
    places.push({ from, at, nCols, rows, columns: count(target.nCols), share: share(rows) });
  }
  if (source.nRows === target.nRows) {
    const columns = indices(source.columnKeys, target.columnKeys);
    places.push({ from, at, nCols, rows: count(target.nRows), columns, share: share(columns) });
  }
  return places;
}

function indices(source: readonly string[], target: readonly string[]): (number | null)[] {
  const places = new Map(source.map((key, i) => [key, i]));
  return target.map((key) => places.get(key) ?? null);
}

function share(places: readonly (number | null)[]): number {
  return places.filter((place) => place !== null).length / places.length;
}

function count(n: number): number[] {
  return [...new Array(n).keys()];
}

function rowKeys({ nRows, nCols, bytes }: Bytes): string[] {
  return count(nRows).map((row) =>
    bytes.toString('latin1', 2 * row * nCols, 2 * (row + 1) * nCols),
  );
}

function columnKeys({ nRows, nCols, bytes }: Bytes): string[] {
  return count(nCols).map((column) =>
    count(nRows)
      .map((row) => bytes.readUInt16LE(2 * (row * nCols + column)))
      .join(),
  );
}

/** Runs of blocks that stand in `source`, too. */
function copiedParts(file: string, source?: string): Found[] {
  if (source === undefined) return [];
  const [bytes, other] = [readFixture(file), readFixture(source)];
  const block = (from: Buffer, at: number) => from.toString('latin1', at, at + BLOCK);
  const places = new Map<string, number>();
  for (let at = 0; at + BLOCK <= other.length; at += BLOCK) places.set(block(other, at), at);
  const found: Found[] = [];
  for (let start = 0; start + BLOCK <= bytes.length; start += BLOCK) {
    const at = places.get(block(bytes, start));
    if (at === undefined) continue;
    let nBytes = BLOCK;
    while (start + nBytes < bytes.length && bytes[start + nBytes] === other[at + nBytes]) nBytes++;
    nBytes -= nBytes % BLOCK;
    found.push({ start, nBytes, part: { kind: 'copy', from: source, at, nBytes } });
    start += nBytes - BLOCK;
  }
  return found;
}
