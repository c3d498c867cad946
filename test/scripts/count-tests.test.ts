import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { packageRoot } from '../support/samples.js';

const counter = path.join(packageRoot, 'scripts/count-tests.mjs');
const tapProgram = path.join(packageRoot, 'node_modules/tap/dist/esm/run.mjs');

const PASSES =
  "import t from 'tap'; t.test('a', async (t) => t.ok(1)); t.test('b', async (t) => t.ok(1));";
const SUITES: Record<string, string> = {
  passes: PASSES,
  fails: "import t from 'tap'; t.test('a', async (t) => t.equal('    ok 1', '    ok 2'));",
  skips:
    "import t from 'tap'; t.test('a', async (t) => t.ok(1)); t.test('b', { skip: 'why' }, () => {});",
  killed: "import t from 'tap'; t.test('a', async () => process.kill(process.pid, 'SIGKILL'));",
  skipped: "import t from 'tap'; t.plan(0, 'needs nothing'); process.exit();",
  empty: "import 'tap';",
};

t.test('counts what tap ran', (t) => {
  const count = (...names: string[]) => runAndCount(t.testdir(suiteFolder(names)));
  t.match(count('passes', 'skips', 'skipped'), {
    status: 0,
    line: '3 passed, 0 failed',
    said: ['skipped, needs nothing: t/skipped.test.js (1)', 'skipped, why: t/skips.test.js (1)'],
  });
  const all = count('passes', 'skips', 'fails', 'killed', 'empty');
  t.match(all, { status: 1, line: '3 passed, 3 failed' });
  t.match(all.said, [
    /empty.test.js: failed outside/,
    't/fails.test.js: a',
    /killed.test.js: failed outside/,
  ]);
  t.end();
});

t.test('a file that tap never came to has failed, and so has a run without results', (t) => {
  const folder = t.testdir({ ...suiteFolder(['passes', 'skips']), 'cut.tap': 'TAP version 14\n' });
  t.match(count(folder, 'cut.tap', 0), { status: 1, line: '0 passed, 2 failed' });
  t.match(count(folder, 'none.tap', 1), { status: 1, line: '0 passed, 2 failed' });
  t.end();
});

t.test('nothing to run, or a failure of tap alone, is a failure', (t) => {
  const folder = t.testdir({ t: {}, 'ok.tap': '' });
  t.match(count(folder, 'ok.tap', 0), { status: 1, line: '0 passed, 1 failed' });
  t.end();
});

function suiteFolder(names: string[]) {
  const files = names.map((name) => [`${name}.test.js`, SUITES[name] as string]);
  return { 'package.json': '{"type":"module"}', t: Object.fromEntries(files) };
}

function runAndCount(cwd: string) {
  const files = readdirSync(path.join(cwd, 't')).map((file) => `t/${file}`);
  const options = ['--disable-coverage', '--allow-incomplete-coverage', '--reporter=terse'];
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const words = [tapProgram, ...options, '--output-file=results.tap', ...files];
  const { status } = spawnSync(process.execPath, words, { cwd, env });
  return count(cwd, 'results.tap', status ?? 1);
}

function count(cwd: string, results: string, tapStatus: number) {
  const words = [counter, results, 't', String(tapStatus)];
  const { status, stdout } = spawnSync(process.execPath, words, { cwd, encoding: 'utf8' });
  const said = stdout.trimEnd().split('\n');
  return { status, line: said.pop(), said };
}
