// Calibrations that are damaged: each is an error that names the file, and none takes memory for what is not there.
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { openCalibration } from '../../pruner/calibration-file.js';
import { CALIBRATION_KEYS } from '../../pruner/calibration-tensors.js';
import { type TinyGguf, tinyGguf } from '../support/tiny-gguf.js';

const folder = t.testdir();
const file = path.join(folder, 'c.gguf');

const metadata = {
  'general.type': 'imatrix',
  'imatrix.datasets': ['text'],
  'imatrix.chunk_count': 2,
  'imatrix.chunk_size': 16,
  [CALIBRATION_KEYS.version]: 1,
  [CALIBRATION_KEYS.modelDigest]: 'digest',
  [CALIBRATION_KEYS.textSha256]: 'sha',
  [CALIBRATION_KEYS.nTokens]: 32,
  [CALIBRATION_KEYS.nSummed]: 16,
  [CALIBRATION_KEYS.nHeldOut]: 16,
};
const sizes = {
  'blk.0.ffn_down.weight.in_sum2': [4],
  'blk.0.ffn_down.weight.counts': [1],
  'blk.0.ffn_down.weight.in_sum': [4],
  'blk.0.ffn_down.weight.in_gram': [4, 4],
  'blk.0.ffn_down.weight.in_rows': [4, 16],
};

function written(
  changes: Partial<TinyGguf> = {},
  shapes: Record<string, number[]> = sizes,
): string {
  let offset = 0;
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const tensor = { name, type: 0, shape, offset };
    offset += 32 * Math.ceil((4 * shape.reduce((a, b) => a * b, 1)) / 32);
    return tensor;
  });
  writeFileSync(file, tinyGguf({ metadata, tensors, dataBytes: offset, ...changes }));
  return file;
}

t.test('a whole one', async (t) => {
  const { layers, importance, close, ...rest } = await openCalibration(written());
  t.match(rest, { nTokens: 32, chunkSize: 16, textSha256: 'sha', modelDigest: 'digest' });
  t.equal(layers[0]?.attnOutput, null);
  t.match(layers[0]?.ffnDown, { n: 4, nTokens: 16, nRows: 16, hasGram: true });
  t.equal((await layers[0]?.ffnDown?.readGram())?.length, 16);
  t.equal((await layers[0]?.ffnDown?.readRows())?.length, 64);
  const [column] = importance.columns.get('blk.0.ffn_down.weight') ?? [];
  t.equal(column, 1, 'without a token, all columns count alike');
  await close();
});

for (const [name, changes, shapes, problem] of [
  ['a model', { metadata: { 'general.type': 'model' } }, sizes, /is no calibration; make one/],
  [
    'a later version',
    { metadata: { ...metadata, [CALIBRATION_KEYS.version]: 2 } },
    sizes,
    /version 2; expected 1/,
  ],
  [
    'a missing digest',
    { metadata: { ...metadata, [CALIBRATION_KEYS.modelDigest]: 1 } },
    sizes,
    /expected text/,
  ],
  [
    'a count that does not divide',
    {},
    { ...sizes, 'blk.0.ffn_down.weight.counts': [3] },
    /has 3 counts for 4 sums/,
  ],
  ['a layer of many', {}, { ...sizes, 'blk.99.ffn_down.weight.in_sum': [4] }, /tells of layer 99/],
  [
    'a sum that is a matrix',
    {},
    { ...sizes, 'blk.0.ffn_down.weight.in_sum': [4, 2] },
    /expected F32 \[4\]/,
  ],
] as [string, Partial<TinyGguf>, Record<string, number[]>, RegExp][])
  t.test(`${name} is refused`, async (t) => {
    await t.rejects(openCalibration(written(changes, shapes)), { message: problem });
  });

t.test('a Gram matrix that is not square is refused when it is read', async (t) => {
  const { layers, close } = await openCalibration(
    written({}, { ...sizes, 'blk.0.ffn_down.weight.in_gram': [4, 3] }),
  );
  await t.rejects(async () => void (await layers[0]?.ffnDown?.readGram()), {
    message: /in_gram is F32 \[4,3\]; expected F32 \[4,4\]/,
  });
  await close();
});

t.test('a file that is cut off or changed anywhere is an error or whole', async (t) => {
  const whole = readFileSync(written());
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), async (at, byte, cut) => {
      written();
      if (cut) truncateSync(file, at);
      else {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        writeFileSync(file, bytes);
      }
      const opened = await openCalibration(file).catch((error: Error) => error);
      if (opened instanceof Error) return opened.message.includes(file);
      await opened.close();
      return true;
    }),
    { numRuns: 300 },
  );
  t.pass();
});
