// npm test's last step: tap with the words that it was given, its exit status, and the skips by name.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { packageRoot } from '../support/samples.js';

const runner = path.join(packageRoot, 'scripts/run-tests.mjs');
const FILES = {
  'package.json': '{"type":"module"}',
  'skips.test.js':
    "import t from 'tap'; t.test('a', async (t) => t.ok(1)); t.test('b', { skip: 'needs chromium (Debian package chromium)' }, () => {});",
  'fails.test.js': "import t from 'tap'; t.test('a', async (t) => t.ok(0));",
};
const LINE = /^skipped, needs chromium \(Debian package chromium\): skips\.test\.js \(1\)$/m;

t.test('what was skipped is named at the end, and why', async (t) => {
  const { status, stdout } = run(t.testdir(FILES), 'skips.test.js');
  t.equal(status, 0);
  t.match(stdout, LINE);
});

t.test('a file for the results may be named, and a failure is the exit status', async (t) => {
  const cwd = t.testdir(FILES);
  const { status, stdout } = run(cwd, '--output-file=a.tap', 'skips.test.js', 'fails.test.js');
  t.not(status, 0);
  t.match(stdout, LINE);
  t.ok(existsSync(path.join(cwd, 'a.tap')));
});

function run(cwd: string, ...words: string[]) {
  const options = ['--disable-coverage', '--allow-incomplete-coverage', '--reporter=terse'];
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, TEST_INSTALL: '0' };
  const asked = { cwd, env, encoding: 'utf8' } as const;
  const { status, stdout } = spawnSync(process.execPath, [runner, ...options, ...words], asked);
  // Of a run of some seconds, tap draws progress, and leaves the cursor shown on the last line.
  return { status, stdout: stripVTControlCharacters(stdout) };
}
