import t from 'tap';
import { cutChunks, heldOutRows } from '../../../pruner/calibrate/text-chunks.js';

const tokens = (n: number) => Int32Array.from({ length: n }, (_, i) => i + 10);
const options = { chunkSize: 4, nTokens: null, nHeldOut: 0, bos: 1 };

t.test('whole chunks alone, each begun anew', (t) => {
  const given = tokens(11);
  const chunks = cutChunks(given, options);
  t.same(
    chunks.map(({ tokens }) => [...tokens]),
    [
      [1, 11, 12, 13],
      [1, 15, 16, 17],
    ],
  );
  t.equal(given[0], 10, 'the text stays as it is');
  const [plain] = cutChunks(given, { ...options, bos: null });
  t.same([...(plain?.tokens ?? [])], [10, 11, 12, 13]);
  t.end();
});

t.test('as many tokens as asked, rounded up to chunks', (t) => {
  t.equal(cutChunks(tokens(400), { ...options, nTokens: 17 }).length, 5);
  t.equal(cutChunks(tokens(400), { ...options, nTokens: 4000 }).length, 100);
  t.throws(() => cutChunks(tokens(7), options), {
    message: /7 tokens long.*needs at least 8; give/,
  });
  t.end();
});

t.test('chunks that are held out are few and spread', (t) => {
  const held = (nTokens: number, nHeldOut: number) =>
    cutChunks(tokens(nTokens), { ...options, nHeldOut })
      .filter(({ heldOut }) => heldOut !== null)
      .map(({ index, heldOut }) => [heldOut, index]);
  t.same(held(8, 0), []);
  t.same(held(8, 4), [[0, 1]], 'of two chunks, one');
  t.same(held(128, 8), [
    [0, 8],
    [1, 24],
  ]);
  t.same(
    held(64, 400),
    [
      [0, 4],
      [1, 12],
    ],
    'no more than an eighth',
  );
  t.end();
});

t.test('of a chunk that is longer than what is kept, every so manieth row', (t) => {
  t.same(heldOutRows({ ...options, nHeldOut: 8 }), { stride: 1, perChunk: 4 });
  t.same(heldOutRows({ ...options, chunkSize: 10, nHeldOut: 4 }), { stride: 3, perChunk: 4 });
  t.same(heldOutRows({ ...options, chunkSize: 2048, nHeldOut: 1024 }), {
    stride: 2,
    perChunk: 1024,
  });
  t.end();
});
