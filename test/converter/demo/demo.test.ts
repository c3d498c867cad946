import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { fixtures, packageRoot, readReference } from '../../support/samples.js';

const DEMO = 'dist/converter/demo/demo.js';

function startDemo(tmpdir: string, root = packageRoot) {
  const env = { ...process.env, TMPDIR: tmpdir };
  return spawn(process.execPath, [path.join(root, DEMO)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function runDemo(tmpdir: string, root?: string) {
  const child = startDemo(tmpdir, root);
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status, stdout, stderr };
}

/** What one run of the demo says. */
let stdout = '';

t.test("answers as PyTorch and the appliances' owner do, and leaves nothing", async (t) => {
  const tmpdir = t.testdir();
  const { status, stderr, ...run } = await runDemo(tmpdir);
  stdout = run.stdout;
  t.match({ status, stderr }, { status: 0, stderr: '' });
  const [article] = readReference('appliance/pruned-20', 'lora').prompts;
  t.match(stdout, indented(article?.question, article?.greedy_text));
  const heldout = readFileSync(path.join(fixtures, 'appliance/corpus/heldout.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { q: string; a: string });
  const known = heldout.filter(({ q, a }) => stdout.includes(indented(q, a)));
  t.equal(known.length, 1, 'one held-out question, answered right');
  t.match(stdout, /parameters +4\.98 M of 6\.16 M \(80\.8 % kept\)/);
  t.match(stdout, /file +3\.2 MB, Q4_K_M/);
  t.match(stdout, /first token after \d+ ms · \d+ tokens per second · \d+ tokens/);
  t.match(stdout, /peak memory +\d+ MiB/);
  t.notMatch(stdout, '\u001b', 'no colours into a pipe');
  t.same(readdirSync(tmpdir), []);
});

t.test('the command it ends with is one that works', async (t) => {
  const tmpdir = t.testdir();
  const [, options = ''] = /npx hearth (convert .*)/.exec(stdout) ?? [];
  const output = path.join(tmpdir, 'kept.gguf');
  const words = [...options.trim().split(' ').slice(0, -1), output, '--json'];
  const cli = path.join(packageRoot, 'dist/cli.js');
  const child = spawn(process.execPath, [cli, ...words], { cwd: packageRoot });
  const summary = JSON.parse(await text(child.stdout));
  t.match(summary, { type: 'Q4_K_M', output, warnings: [] });
});

t.test('Ctrl-C leaves nothing', async (t) => {
  const tmpdir = t.testdir();
  const child = startDemo(tmpdir);
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  t.same(await once(child, 'exit'), [130, null]);
  t.same(readdirSync(tmpdir), []);
});

t.test('a checkpoint that is missing is named', async (t) => {
  const tmpdir = t.testdir({ root: {}, tmp: {} });
  const root = path.join(tmpdir, 'root');
  for (const part of ['converter', 'devices', 'model', 'llama', 'terminal'])
    cpSync(path.join(packageRoot, 'dist', part), path.join(root, 'dist', part), {
      recursive: true,
    });
  cpSync(path.join(packageRoot, 'package.json'), path.join(root, 'package.json'));
  symlinkSync(path.join(packageRoot, 'node_modules'), path.join(root, 'node_modules'));
  const { status, stderr } = await runDemo(path.join(tmpdir, 'tmp'), root);
  t.equal(status, 1);
  t.match(stderr, /^demo: .*converter\/demo\/appliance-pruned-20.*\n$/);
});

function indented(question = '', answer = ''): string {
  return `${question}\n  ${answer.replaceAll('\n', '\n  ')}\n`;
}
