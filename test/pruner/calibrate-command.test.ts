// hearth calibrate as a user runs it: what it says of a text that the model does not know, and what it refuses.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { applianceGguf } from '../support/appliance-gguf.js';
import { hearth } from '../support/hearth.js';
import { packageRoot } from '../support/samples.js';

const folder = t.testdir();
const model = await applianceGguf(folder);

async function calibrate(text: string, ...more: string[]) {
  const output = path.join(folder, 'calibration.gguf');
  const args = ['calibrate', model, '-o', output, '--text', text, '--gpu', 'off', '--force'];
  return await hearth([...args, '--tokens', '2048', ...more]);
}

t.test('a text that the model does not know is told', async (t) => {
  const run = await calibrate(path.join(packageRoot, 'README.md'));
  t.equal(run.status, 0, run.stderr);
  t.match(run.stderr, /warning: the model finds this text unlikely \(\d\.\d\d nats a byte/);
});

t.test('chunks of too few tokens to tell say nothing', async (t) => {
  const run = await calibrate(path.join(packageRoot, 'README.md'), '--ctx', '128');
  t.equal(run.status, 0, run.stderr);
  t.notMatch(run.stderr, /unlikely/);
});

t.test('a model that alone takes more than it may is refused, and nothing is left', async (t) => {
  const before = readdirSync(folder);
  const run = await calibrate(path.join(packageRoot, 'README.md'), '--memory', '1MiB');
  t.equal(run.status, 1);
  t.match(run.stderr, /\.gguf takes [\d.]+ MiB with its KV cache, of 1 MiB that .* raise --memory/);
  t.same(readdirSync(folder), before);
});
