// Fixtures come out of the repository as LLM-Pruner and PyTorch wrote them, and one that would not
// is refused. The hashes of the originals are in the packed files: unpacking compares them.
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import t from 'tap';
import {
  PACKAGE_ROOT,
  PACKED,
  type Recipe,
  readFixture,
  unpackedFixtures,
} from '../../../bench/development/packed-fixtures.js';

t.test('every stored file is unpacked, and no packed one is left', async (t) => {
  const stored = listFiles(path.join(PACKAGE_ROOT, 'test/fixtures'));
  t.ok(stored.filter((name) => name.endsWith(PACKED)).length > 20);
  const names = stored.map((name) => (name.endsWith(PACKED) ? name.slice(0, -7) : name));
  t.strictSame(listFiles(unpackedFixtures()), names.sort());
});

t.test(
  'weights are taken by row and column, and those of no other file from the rest',
  async (t) => {
    const folder = t.testdir({ matrix: weights(0, 1, 2, 10, 11, 12), 'b.bin.packed': '' });
    const [from, file] = ['matrix', 'b.bin'].map((name) => fromRoot(folder, name));
    if (from === undefined || file === undefined) return;
    const expected = Buffer.concat([Buffer.from('head'), weights(12, 7, 10, 8, 9, 8), weights(1)]);
    const rest = Buffer.concat([Buffer.from('head'), weights(7, 8, 9, 8)]);
    pack(file, rest, {
      sha256: createHash('sha256').update(expected).digest('hex'),
      parts: [
        { kind: 'rest', nBytes: 4 },
        { kind: 'weights', from, at: 0, nCols: 3, rows: [1, null], columns: [2, null, 0] },
        { kind: 'copy', from, at: 2, nBytes: 2 },
      ],
    });
    t.strictSame(readFixture(file), expected);
  },
);

t.test('a packed file that gives other bytes than the original is refused', async (t) => {
  const file = fromRoot(t.testdir(), 'a.bin');
  pack(file, Buffer.from('rest'), { sha256: '0', parts: [{ kind: 'rest', nBytes: 4 }] });
  t.throws(() => readFixture(file), {
    message: /a\.bin\.packed does not give the file that it was made from/,
  });
});

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

function fromRoot(folder: string, name: string): string {
  return path.relative(PACKAGE_ROOT, path.join(folder, name));
}

function weights(...values: number[]): Buffer {
  return Buffer.from(Uint16Array.from(values).buffer);
}

function pack(file: string, rest: Buffer, recipe: Recipe): void {
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(recipe)}\n`), rest]);
  writeFileSync(path.join(PACKAGE_ROOT, file + PACKED), brotliCompressSync(bytes));
}
