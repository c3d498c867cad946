import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../bench/development/sample-models.js';
import { hearth } from '../support/hearth.js';

const MIB = 2 ** 20;
const checkpoint = samplePath('appliance/pruned-20');

/** A file with one board of so much memory, of which the system keeps nothing. */
function boardOf(memoryBytes: number): string[] {
  const file = path.join(t.testdirName, `${memoryBytes}.json`);
  const figure = (value: number, unit: string) => ({ value, unit, source: 'made up' });
  const board = {
    id: 'board',
    name: 'Board',
    kind: 'cpu',
    backend: 'cpu',
    memory: figure(memoryBytes / MIB, 'MiB'),
    reserved: figure(0, 'MiB'),
    bandwidth: figure(10, 'GB/s'),
    compute: figure(10, 'GFLOPS'),
  };
  writeFileSync(file, JSON.stringify({ version: 1, devices: [board] }));
  return ['--for', 'board', '--devices', file];
}

type Choice = {
  type: string;
  file_bytes: number;
  chosen_for: { memory_bytes: number; budget_bytes: number; reason: string };
};

async function choose(words: string[]): Promise<Choice> {
  const { status, stdout, stderr } = await hearth([
    ...['convert', checkpoint, '--dry-run', '--json'],
    ...words,
  ]);
  t.equal(status, 0, stderr);
  return JSON.parse(stdout) as Choice;
}

t.before(() => t.testdir());

t.test('the best type that fits is taken, and less memory takes the next', async (t) => {
  const large = await choose(boardOf(4096 * MIB));
  t.equal(large.type, 'F16');
  const { memory_bytes: needed, budget_bytes: budget } = large.chosen_for;
  const margin = 4096 * MIB - budget;
  t.ok(margin > 0 && needed < budget);
  const small = await choose(boardOf(needed + 50 * MIB - 1 * MIB));
  t.equal(small.type, 'Q8_0');
  t.ok(small.chosen_for.memory_bytes <= small.chosen_for.budget_bytes);
  t.match(
    small.chosen_for.reason,
    /^Q8_0 is the best type that fits: .* board .*; BF16 would need/,
  );
  const named = JSON.parse(
    (await hearth(['convert', checkpoint, '--type', 'Q8_0', '--dry-run', '--json'])).stdout,
  ) as Choice;
  t.equal(small.file_bytes, named.file_bytes);
});

t.test('what fits no type is refused with advice, and nothing is written', async (t) => {
  const output = path.join(t.testdir(), 'out.gguf');
  const words = ['convert', checkpoint, '-o', output, ...boardOf(100 * MIB)];
  const { status, stdout, stderr } = await hearth(words);
  t.match({ status, stdout }, { status: 1, stdout: '' });
  t.match(stderr, /fits board in no type at \d+ tokens of context: \w+, the smallest, needs/);
  t.match(stderr, /prune more \(hearth plan says how much\)/);
  t.notOk(existsSync(output));
});

t.test('a shorter context leaves room, and the advice names it', async (t) => {
  const folder = samplePath('appliance/dense');
  const of = async (ctx: string, device: string[]) =>
    await hearth(['convert', folder, '--dry-run', '--json', '--ctx', ctx, ...device]);
  const roomy = JSON.parse((await of('65536', boardOf(8192 * MIB))).stdout) as Choice;
  t.ok(roomy.chosen_for.memory_bytes > 256 * MIB);
  const tight = boardOf(roomy.chosen_for.memory_bytes);
  const refused = await of('65536', tight);
  t.equal(refused.status, 1);
  const [, ctx = ''] = /take --ctx (\d+)/.exec(refused.stderr) ?? [];
  t.equal((await of(ctx, tight)).status, 0, `at ${ctx}`);
});

t.test('a conversion says why its type was taken', async (t) => {
  const output = path.join(t.testdir(), 'out.gguf');
  const words = ['convert', checkpoint, '-o', output, '--for', 'rtx-3060-8gb'];
  const { stdout } = await hearth(words);
  t.match(stdout, /chosen +F16 is the best type that fits: .* rtx-3060-8gb has for a model/);
  t.ok(statSync(output).size > 9.9e6);
});

t.test('usage mistakes exit with 2, an unknown device with 1', async (t) => {
  const mistakes: [words: string[], status: number, message: RegExp][] = [
    [['--for', 'rtx-3060-8gb', '--type', 'Q8_0'], 2, /mutually exclusive/],
    [['--for', 'rtx-3060-8gb', '--max-size', '1GB'], 2, /mutually exclusive/],
    [['--ctx', '4096'], 2, /Missing dependent arguments|ctx -> for/],
    [['--for', 'rtx-3060-8gb', '--ctx', '-1'], 2, /--ctx takes a whole number from 1/],
    [['--for', 'rtx-9999'], 1, /no device is called "rtx-9999"; nearest: /],
  ];
  for (const [words, status, stderr] of mistakes)
    t.match(await hearth(['convert', checkpoint, ...words]), { status, stdout: '', stderr });
});
