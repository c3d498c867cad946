// The importance matrix against llama-imatrix's own, built from the sources that node-llama-cpp ships
// (llama/gitRelease.bundle, v0.5.0), linked with its libraries and run on the GGUF that this test makes, with
// hearth's default text in a file; fixtures/imatrix holds what it wrote:
//   llama-imatrix -m dense.gguf -f default.txt -o appliance-dense.imatrix -c 128 -b 512 --chunks 8 --no-ppl
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readGgufFile } from '../../../model/gguf/gguf-file.js';
import { openCalibration } from '../../../pruner/calibration-file.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { readGgufTensors } from '../../support/gguf-tensors.js';
import { hearth } from '../../support/hearth.js';
import { fixtures } from '../../support/samples.js';

const DEFAULT_TEXT = readFileSync(
  new URL('../../../bench/compare/default-text.txt', import.meta.url),
  'utf8',
);

/** A CPU with AMX rounds what it multiplies otherwise than the one that llama-imatrix ran on: 1.3e-3 apart. */
const OTHER_CPU = 3e-3;

const stock = path.join(fixtures, 'imatrix/appliance-dense.imatrix');
const folder = t.testdir({ 'default.txt': DEFAULT_TEXT, 'empty.txt': ' \n', 'binary.txt': 'a\0b' });
const textFile = path.join(folder, 'default.txt');
const model = await applianceGguf(folder);
const output = path.join(folder, 'own.gguf');
const words = ['calibrate', model, '--gpu', 'off', '--ctx', '128', '--tokens', '1024'];

t.test('sums and counts are those of llama-imatrix', async (t) => {
  const { status, stdout } = await hearth([...words, '--text', textFile, '-o', output, '--json']);
  t.equal(status, 0);
  t.match(JSON.parse(stdout), { weights: 42, tokens: 1024, chunks: 8, chunk_size: 128 });
  const [own, other] = [await readGgufTensors(output), await readGgufTensors(stock)];
  for (const [name, { shape, type, bytes }] of other) {
    const found = own.get(name);
    t.match(found, { shape, type });
    t.ok(furthest(floats(found?.bytes), floats(bytes)) < OTHER_CPU, name);
  }
  const { metadata } = await readGgufFile(stock);
  for (const key of ['general.type', 'imatrix.chunk_count', 'imatrix.chunk_size'])
    t.equal((await readGgufFile(output)).metadata[key], metadata[key], key);
});

t.test('llama-imatrix’s own file is no calibration, and the message says so', async (t) => {
  await t.rejects(openCalibration(stock), {
    code: 'HEARTH_CALIBRATION',
    message: /an importance matrix without what pruning needs; make a calibration/,
  });
});

t.test('a file that is there is not replaced; bad texts are named; nothing is left', async (t) => {
  const there = await hearth([...words, '--text', textFile, '-o', output]);
  t.match(there, { status: 1, stderr: /exists already; pass --force/ });
  const other = path.join(folder, 'other');
  mkdirSync(other);
  for (const [file, problem] of [
    ['empty.txt', /empty\.txt is empty/],
    ['binary.txt', /binary\.txt has bytes of zero/],
    ['missing.txt', /missing\.txt cannot be read/],
  ] as const) {
    const named = ['--text', path.join(folder, file), '-o', path.join(other, 'x.gguf')];
    t.match(await hearth([...words, ...named]), { status: 1, stderr: problem });
  }
  t.same(readdirSync(other), []);
});

t.test('another architecture is refused by name', async (t) => {
  const other = path.join(folder, 'gemma.gguf');
  const bytes = readFileSync(model);
  bytes.write('gemma', bytes.indexOf('llama', bytes.indexOf('general.architecture')));
  writeFileSync(other, bytes);
  const named = await hearth(['calibrate', other, '-o', path.join(folder, 'y.gguf')]);
  t.match(named, { status: 1, stderr: /is a "gemma" model; expected llama or deci/ });
});

function floats(bytes: Uint8Array | undefined): Float32Array {
  return new Float32Array(Uint8Array.from(bytes ?? []).buffer);
}

/** The largest difference, as a share of the number itself. */
function furthest(found: Float32Array, expected: Float32Array): number {
  return expected.reduce(
    (most, value, i) => Math.max(most, Math.abs((found[i] ?? Number.NaN) / value - 1)),
    0,
  );
}
