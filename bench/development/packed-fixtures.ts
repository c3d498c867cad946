// The fixtures as they were made, out of the smaller form that the repository holds. LLM-Pruner only
// takes rows and columns away, so a pruned checkpoint is stored as the places of its weights in
// another one, and the rest of it is compressed. Each unpacked file is checked to be the original,
// byte for byte. pack-fixtures.ts makes the `.packed` files.
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

export const PACKAGE_ROOT = path.resolve(import.meta.dirname, '../../..');

/** Where the repository holds them, from its root. */
const STORED = 'test/fixtures';

export const PACKED = '.packed';

/** A `.packed` file, decompressed: this in one line of JSON, then the rest's bytes. */
export type Recipe = { sha256: string; parts: FixturePart[] };

/** One stretch of the file. `from` is a path from the repository's root, `at` a byte of that file. */
export type FixturePart =
  | { kind: 'rest'; nBytes: number }
  | { kind: 'copy'; from: string; at: number; nBytes: number }
  | FixtureWeights;

/**
 * Half-precision weights `[rows.length, columns.length]` by their places in a matrix of `from` that
 * is `nCols` wide. Where a row or a column is null, its weights are the next of the rest.
 */
export type FixtureWeights = {
  kind: 'weights';
  from: string;
  at: number;
  nCols: number;
  rows: (number | null)[];
  columns: (number | null)[];
};

let unpacked: string | undefined;

/** The folder of all fixtures. They are unpacked when first asked for and when one has changed. */
export function unpackedFixtures(): string {
  unpacked ??= unpackOnce();
  return unpacked;
}

function unpackOnce(): string {
  const files = listStored();
  const parent = path.join(PACKAGE_ROOT, 'dist', STORED);
  const folder = path.join(parent, stampOf(files));
  if (fs.existsSync(folder)) return folder;
  // Tests run side by side: each unpacks into a folder of its own, and the first to finish wins.
  const own = `${folder}.${process.pid}`;
  for (const file of files) unpack(file, own);
  restored.clear();
  try {
    fs.renameSync(own, folder);
  } catch (error) {
    if (!fs.existsSync(folder)) throw error;
    fs.rmSync(own, { recursive: true });
  }
  const isOutdated = (name: string) => /^\w+$/.test(name) && name !== path.basename(folder);
  for (const name of fs.readdirSync(parent).filter(isOutdated))
    fs.rmSync(path.join(parent, name), { recursive: true, force: true });
  return folder;
}

/** Every stored file, from the repository's root. */
function listStored(): string[] {
  const root = path.join(PACKAGE_ROOT, STORED);
  return fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(PACKAGE_ROOT, path.join(entry.parentPath, entry.name)))
    .sort();
}

function stampOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) {
    const { size, mtimeMs } = fs.statSync(path.join(PACKAGE_ROOT, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

function unpack(file: string, folder: string): void {
  const target = path.join(folder, path.relative(STORED, file));
  fs.mkdirSync(path.dirname(target), { recursive: true });
  if (!file.endsWith(PACKED)) fs.copyFileSync(path.join(PACKAGE_ROOT, file), target);
  else
    fs.writeFileSync(target.slice(0, -PACKED.length), readFixture(file.slice(0, -PACKED.length)));
}

/** While all are unpacked, what others are made from. */
const restored = new Map<string, Buffer>();

/** The bytes of a file of the repository, packed or not, by its path from the root. */
export function readFixture(file: string): Buffer {
  const whole = path.join(PACKAGE_ROOT, file);
  if (fs.existsSync(whole)) return fs.readFileSync(whole);
  const bytes = restored.get(file) ?? restore(file, fs.readFileSync(whole + PACKED));
  restored.set(file, bytes);
  return bytes;
}

function restore(file: string, packed: Buffer): Buffer {
  const decompressed = brotliDecompressSync(packed);
  const line = decompressed.indexOf('\n');
  const { sha256, parts } = JSON.parse(decompressed.toString('utf8', 0, line)) as Recipe;
  const rest = new Rest(decompressed.subarray(line + 1));
  const bytes = Buffer.concat(parts.map((part) => bytesOf(part, rest)));
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new Error(`${file}${PACKED} does not give the file that it was made from`);
  return bytes;
}

/** What no other file has, in the order in which it is needed. */
class Rest {
  #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(nBytes: number): Buffer {
    this.#at += nBytes;
    return this.#bytes.subarray(this.#at - nBytes, this.#at);
  }

  weight(): number {
    this.#at += 2;
    return this.#bytes.readUInt16LE(this.#at - 2);
  }
}

function bytesOf(part: FixturePart, rest: Rest): Buffer {
  switch (part.kind) {
    case 'rest':
      return rest.take(part.nBytes);
    case 'copy':
      return readFixture(part.from).subarray(part.at, part.at + part.nBytes);
    case 'weights':
      return gather(part, readFixture(part.from), rest);
    default:
      return part satisfies never;
  }
}

function gather({ at, nCols, rows, columns }: FixtureWeights, source: Buffer, rest: Rest): Buffer {
  const out = Buffer.alloc(2 * rows.length * columns.length);
  let end = 0;
  for (const row of rows)
    for (const column of columns) {
      const isNew = row === null || column === null;
      const weight = isNew ? rest.weight() : source.readUInt16LE(at + 2 * (row * nCols + column));
      end = out.writeUInt16LE(weight, end);
    }
  return out;
}
