// Headers written by hand, whole and broken, and what is said of each.
// Nothing may be allocated by what a broken file claims; a claim is refused by its size alone.
import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { GgufFileError, readGgufFile } from '../../../model/gguf/gguf-file.js';
import { type TinyGguf, tinyGguf } from '../../support/tiny-gguf.js';

const whole: TinyGguf = {
  metadata: { 'general.architecture': 'llama', 'a.b': 7, list: [1, 2, 3], flag: true, half: 0.5 },
  tensors: [
    { name: 'first', type: 0, shape: [8, 2], offset: 0 },
    { name: 'second', type: 8, shape: [32, 3], offset: 64 },
  ],
  dataBytes: 64 + 102,
};

t.test('metadata and tensors of a whole file', async (t) => {
  const file = path.join(t.testdir(), 'whole.gguf');
  await writeFile(file, tinyGguf(whole));
  const header = await readGgufFile(file);
  t.strictSame(header.metadata, whole.metadata);
  t.equal(header.version, 3);
  t.equal(header.dataOffset % 32, 0);
  t.strictSame(header.tensors, [
    { name: 'first', type: 'F32', shape: [8, 2], offsetBytes: header.dataOffset, sizeBytes: 64 },
    {
      name: 'second',
      type: 'Q8_0',
      shape: [32, 3],
      offsetBytes: header.dataOffset + 64,
      sizeBytes: 102,
    },
  ]);
  t.equal(header.sizeBytes, header.dataOffset + 166);
});

t.test('a header is read however long it is', async (t) => {
  const file = path.join(t.testdir(), 'long.gguf');
  const list = Array.from({ length: 400_000 }, (_, i) => i);
  await writeFile(file, tinyGguf({ ...whole, metadata: { list, 'a.b': 7 } }));
  const { metadata, tensors } = await readGgufFile(file);
  t.strictSame(metadata, { list, 'a.b': 7 });
  t.equal(tensors.length, 2);
});

t.test('data start where the alignment says', async (t) => {
  const file = path.join(t.testdir(), 'aligned.gguf');
  const metadata = { 'general.alignment': 4096 };
  await writeFile(file, tinyGguf({ ...whole, metadata, dataBytes: 4096 + 166 }));
  t.equal((await readGgufFile(file)).dataOffset, 4096);
});

const tensor = { name: 'a', type: 0, shape: [4], offset: 0 };
const broken: [string, Buffer, RegExp][] = [
  ['empty', Buffer.alloc(0), /not a GGUF file/],
  ['another format', Buffer.from('PK\x03\x04 and more than twenty-four bytes'), /not a GGUF file/],
  ['only the magic', Buffer.from('GGUF'), /cut off within its header, .*; copy or make it again/],
  ['a future version', tinyGguf({ version: 9 }), /version 9/],
  ['big-endian', tinyGguf({ version: 0x03000000 }), /version 50331648/],
  ['too many tensors', tinyGguf({ nTensor: 2 ** 50 }), /claims 1125899906842624 tensors/],
  ['too many pairs', tinyGguf({ nPair: 2 ** 50 }), /1125899906842624 metadata entries/],
  ['cut in the metadata', tinyGguf(whole).subarray(0, 100), /broken header|cut off/],
  ['cut in the tensor list', tinyGguf(whole).subarray(0, 230), /broken header|cut off/],
  [
    'cut in the data',
    tinyGguf(whole).subarray(0, -1),
    /"second" ends at byte .* cut off; copy or make it again/,
  ],
  ['data far away', tinyGguf({ tensors: [{ ...tensor, offset: 2 ** 40 }] }), /"a" ends at byte/],
  ['listed twice', tinyGguf({ tensors: [tensor, tensor], dataBytes: 32 }), /"a" is listed twice/],
  ['unknown type', tinyGguf({ tensors: [{ ...tensor, type: 99 }] }), /unknown type 99/],
  ['a zero size', tinyGguf({ tensors: [{ ...tensor, shape: [0, 4] }] }), /shape \[0,4\]/],
  ['five dimensions', tinyGguf({ tensors: [{ ...tensor, shape: [1, 1, 1, 1, 1] }] }), /shape \[1/],
  [
    'half a block',
    tinyGguf({ tensors: [{ ...tensor, type: 8, shape: [40] }] }),
    /"a": a row of 40 is not whole Q8_0 blocks/,
  ],
];

for (const [name, bytes, message] of broken)
  t.test(`refused: ${name}`, async (t) => {
    const file = path.join(t.testdir(), 'broken.gguf');
    await writeFile(file, bytes);
    const error = await readGgufFile(file).catch((error: unknown) => error);
    t.type(error, GgufFileError);
    t.match((error as Error).message, message);
    t.match((error as Error).message, file);
  });

t.test('refused: nothing there, and a folder', async (t) => {
  const folder = t.testdir();
  await t.rejects(readGgufFile(path.join(folder, 'none.gguf')), { code: 'HEARTH_GGUF' });
  await t.rejects(readGgufFile(folder), { code: 'HEARTH_GGUF' });
});

t.test('a cut anywhere in the header is refused', async (t) => {
  const file = path.join(t.testdir(), 'cut.gguf');
  const bytes = tinyGguf(whole);
  await writeFile(file, bytes);
  for (let length = bytes.length - 1; length >= 0; length -= 3) {
    await truncate(file, length);
    await t.rejects(readGgufFile(file), { code: 'HEARTH_GGUF' }, `${length} bytes`);
  }
});
