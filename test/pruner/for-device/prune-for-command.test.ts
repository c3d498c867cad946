// hearth prune --for as a user runs it, on a small random Llama and a board that is made to its size: what fits
// is what hearth fit says of the file, and what was measured is what an interrupted run goes on from.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { hearth } from '../../support/hearth.js';
import { interruptAt } from '../../support/interrupt-at.js';
import { randomLlama, writeLlama } from '../../support/random-llama.js';

const sizes = { nLayer: 2, nEmbd: 256, nHead: 8, nHeadKv: 4, headSize: 32, nFf: 768 };
const folder = t.testdir();
const dense = writeLlama(path.join(folder, 'dense'), sizes, randomLlama(sizes), {
  chat_template: '{{ messages[0].content }}',
});
const text = path.join(folder, 'text.txt');
const page = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
writeFileSync(text, page.repeat(4));

const devices = path.join(folder, 'devices.json');
const figure = (value: number, unit: string) => ({ value, unit, source: 'measured' });

/** A board on which so much is left for a model. */
function writeBoard(budgetBytes: number): void {
  const memoryBytes = budgetBytes + 50 * 2 ** 20;
  const board = {
    ...{ id: 'board', name: 'A board', kind: 'cpu', backend: 'cpu' },
    ...{ memory: figure(memoryBytes / 2 ** 20, 'MiB'), reserved: figure(0, 'MiB') },
    ...{ bandwidth: figure(0.1, 'GB/s'), compute: figure(1, 'GFLOPS') },
  };
  writeFileSync(devices, JSON.stringify({ version: 1, devices: [board] }));
}

async function neededBytes(file: string, ...more: string[]): Promise<number> {
  const args = ['fit', file, '--device', 'board', '--devices', devices, '--ctx', '256', '--json'];
  const { stdout, stderr } = await hearth([...args, ...more]);
  t.match(stdout, /^\{/, stderr);
  return (JSON.parse(stdout) as { needed_bytes: number }).needed_bytes;
}

const common = [
  ...['--for', 'board', '--devices', devices, '--ctx', '256', '--text', text],
  ...['--tokens', '2048', '--gpu', 'off', '--threads', '1', '--layers', '0-1'],
  ...['--chat-template', 'llama-2', '--repair', 'bias'],
];

writeBoard(2 ** 30);
const q5Bytes = await neededBytes(dense, '--type', 'Q5_K_S');
const q8Bytes = await neededBytes(dense, '--type', 'Q8_0');

t.test('the best of what fits is written, where a run was interrupted, too', async (t) => {
  const budgetBytes = Math.round((q5Bytes + q8Bytes) / 2);
  writeBoard(budgetBytes);
  const output = path.join(folder, 'best.gguf');
  const args = ['prune', dense, '-o', output, ...common, '--json'];
  const kept = `${output}.measured.json`;
  const stopped = await hearth(args, { onStart: (child) => interruptAt(kept, child) });
  t.equal(stopped.status, 130, stopped.stderr);
  t.same(left(), ['best.gguf.measured.json']);
  const run = await hearth(args);
  t.equal(run.status, 0, run.stderr);
  t.match(
    run.stderr,
    /types fit unpruned, the best of them Q\d_K\w*; \d types? fits? with weights gone/,
  );
  t.match(run.stderr, /figures? of a run that was interrupted are taken from/);
  const { measured, expected, ...summary } = JSON.parse(run.stdout);
  t.equal(statSync(output).size, summary.size_bytes);
  t.ok(measured.length >= 2 && measured[0].kl <= measured[1].kl);
  t.equal(summary.file_type, measured[0].type);
  for (const { memory_bytes } of [...measured, ...expected]) t.ok(memory_bytes <= budgetBytes);
  t.ok(
    expected.some(({ ratio }: { ratio: number }) => ratio > 0),
    'pruned ones were considered',
  );
  t.equal(await neededBytes(output), measured[0].memory_bytes, 'as was predicted');
  t.same(left(), ['best.gguf']);
});

t.test('a device on which nothing fits is told what comes nearest', async (t) => {
  writeBoard(2 ** 20);
  const output = path.join(folder, 'none.gguf');
  const run = await hearth(['prune', dense, '-o', output, ...common]);
  t.equal(run.status, 1);
  t.match(
    run.stderr,
    /does not fit board as any type at 256 tokens of context, however much is pruned: /,
  );
  t.match(run.stderr, /comes nearest and needs .* of 1 MiB/);
  writeBoard(2 ** 30);
  const slow = await hearth(['prune', dense, '-o', output, ...common, '--min-tps', '900']);
  t.match(slow.stderr, /does not reach 900 tok\/s on board as any type/);
  t.notOk(existsSync(output));
});

t.test('what does not go together is a mistake of usage', async (t) => {
  const refused = async (args: string[], message: RegExp) => {
    const run = await hearth(['prune', dense, '-o', path.join(folder, 'none.gguf'), ...args]);
    t.equal(run.status, 2, args.join(' '));
    t.match(run.stderr, message);
  };
  await refused(['--for', 'board', '--ratio', '0.2', '--min-tps', '8'], /min-tps/);
  await refused(['--ratio', '0.2', '--ctx', '512'], /for/);
  await refused(['--for', 'board', '--min-tps', 'fast'], /--min-tps takes a number/);
});

/** Beside what the test put there. */
function left(): string[] {
  const own = ['dense', 'text.txt', 'devices.json'];
  return readdirSync(folder)
    .filter((name) => !own.includes(name))
    .sort();
}
