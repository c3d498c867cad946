// hearth prune as a user runs it, on a small random Llama with grouped-query attention: what the file holds
// against the weights that it was cut from, and what is refused.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { samplePath } from '../../bench/development/sample-models.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { readGgufTensors } from '../support/gguf-tensors.js';
import { hearth } from '../support/hearth.js';
import { interruptAt } from '../support/interrupt-at.js';
import { readKeptParts } from '../support/kept-parts.js';
import { type Matrix, randomLlama, writeLlama } from '../support/random-llama.js';

const sizes = { nLayer: 3, nEmbd: 64, nHead: 4, nHeadKv: 2, headSize: 16, nFf: 160 };
const weights = randomLlama(sizes);
const folder = t.testdir();
const dense = writeLlama(path.join(folder, 'dense'), sizes, weights, {
  chat_template: '{{ messages[0].content }}',
});
const text = path.join(folder, 'text.txt');
const sentence = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
writeFileSync(text, sentence.repeat(4));

type Stage = { duration_ms: number; peak_rss_bytes: number };

/** Where Metal is. */
const isMac = process.platform === 'darwin';

const settings = [
  '--search',
  '0',
  '--text',
  text,
  '--tokens',
  '2048',
  '--gpu',
  'off',
  '--chat-template',
  'llama-2',
];
/** Two threads of so small a model wait for each other most of the time; the first test takes what prune takes. */
const common = [...settings, '--threads', '1'];

t.test(
  'the kept rows and columns are those of the dense model, and the rest of it is whole',
  async (t) => {
    const output = path.join(folder, 'cut.gguf');
    const run = await hearth([
      ...['prune', dense, '-o', output, '--kv-heads', '1', '--n-ff', '96', '--layers', '1-2'],
      ...['--repair', 'none', '--type', 'F32', ...settings],
    ]);
    t.equal(run.status, 0, run.stderr);
    const [, planned] = /the weights take (\d+) bytes/.exec(run.stderr) ?? [];
    const bytes = [...(await readGgufTensors(output)).values()].map(({ bytes }) => bytes.length);
    const sum = bytes.reduce((all, size) => all + size, 0);
    t.equal(Number(planned), sum, 'as the plan said');
    t.match(run.stderr, /this takes about .* here: calibrating .*writing .*judging/);
    const { metadata } = await readGgufFile(output);
    t.same(metadata['deci.attention.head_count_kv'], [2, 1, 1]);
    t.same(metadata['deci.attention.head_count'], [4, 2, 2]);
    t.same(metadata['deci.feed_forward_length'], [160, 96, 96]);
    t.equal(metadata['hearth.pruning.calibration.tokens'], 2048);
    const channels = (await readKeptParts(output))['blk.1.ffn_down'] ?? [];
    t.equal(channels.length, 96);
    const tensors = await readGgufTensors(output);
    const stored = tensors.get('blk.1.ffn_down.weight')?.bytes ?? Buffer.alloc(0);
    const down = new Float32Array(Uint8Array.from(stored).buffer);
    const original = weights.get('model.layers.1.mlp.down_proj.weight')?.values ?? [];
    const cut = Array.from({ length: 64 * 96 }, (_, i) => {
      return original[Math.floor(i / 96) * 160 + (channels[i % 96] as number)];
    });
    t.same([...down], cut);
  },
);

t.test('the summary tells how far the result is from the unpruned model', async (t) => {
  const output = path.join(folder, 'repaired.gguf');
  const kept = path.join(folder, 'calibration.gguf');
  const args = ['prune', dense, '-o', output, '--ratio', '0.25', '--layers', '0-2', '--json'];
  const run = await hearth([...args, '--type', 'F16', '--keep-calibration', kept, ...common]);
  t.equal(run.status, 0, run.stderr);
  const summary = JSON.parse(run.stdout);
  t.ok(summary.parameter_count <= 0.76 * summary.parameter_count_unpruned);
  t.ok(summary.repaired.kl <= summary.pruned.kl, 'a repair makes it no worse');
  t.same(
    summary.stages.map(({ name }: { name: string }) => name),
    ['dense', 'judge', 'calibrate', 'choose', 'repair', 'write'],
  );
  const spentMs = summary.stages.reduce((sum: number, { duration_ms: ms }: Stage) => sum + ms, 0);
  t.ok(spentMs <= summary.duration_ms && spentMs > 0.5 * summary.duration_ms, run.stdout);
  t.ok(summary.stages.every(({ peak_rss_bytes: bytes }: Stage) => bytes > 2 ** 25));
  t.ok(Math.abs(summary.file.kl - summary.repaired.kl) < 0.02, 'half precision changes little');
  t.match(run.stderr, /warning: 2048 tokens of text, in whole chunks, are few to calibrate with/);
  t.match(
    run.stderr,
    /in layers 0 to 2 of 3, .* of .* weights go; calibrated as F16 on 2048 tokens/,
  );
  const again = path.join(folder, 'again.gguf');
  const other = [
    'prune',
    dense,
    '-o',
    again,
    '--ratio',
    '0.15',
    '--layers',
    '0-2',
    '--type',
    'Q8_0',
  ];
  const second = await hearth([...other, '--calibration', kept, ...common]);
  t.equal(second.status, 0, second.stderr);
  t.notMatch(second.stderr, /calibrating/);
  t.match(second.stdout, /^of that {5}the unpruned model as a GGUF .*, writing /m);
  t.match(second.stdout, /by least squares \(ridges? [\d.]+/);
});

t.test('a model that overflows half precision is calibrated as BF16', async (t) => {
  const loud = new Map(weights);
  const scale = (name: string, factor: number) => {
    const { shape, values } = weights.get(name) as Matrix;
    loud.set(name, { shape, values: values.map((value) => value * factor) });
  };
  scale('model.layers.1.mlp.gate_proj.weight', 10);
  scale('model.layers.1.mlp.up_proj.weight', 1000);
  scale('model.layers.1.mlp.down_proj.weight', 0.001);
  const checkpoint = writeLlama(path.join(folder, 'loud'), sizes, loud);
  const output = path.join(folder, 'loud.gguf');
  const args = ['prune', checkpoint, '-o', output, '--ratio', '0.1', '--layers', '0-2', '--json'];
  const run = await hearth([...args, '--type', 'Q8_0', '--repair', 'bias', ...common]);
  t.equal(run.status, 0, run.stderr);
  t.match(run.stderr, /warning: the unpruned model overflows half precision .* as BF16/);
  const summary = JSON.parse(run.stdout);
  t.ok(summary.perplexity_unpruned > 1 && summary.file.perplexity > 1, run.stdout);
});

t.test('a size is that of the whole file, and one part alone may do for it', async (t) => {
  const output = path.join(folder, 'sized.gguf');
  const args = [
    'prune',
    dense,
    '-o',
    output,
    '--size',
    '190KB',
    '--layers',
    '0-2',
    '--type',
    'Q8_0',
  ];
  const run = await hearth([...args, '--repair', 'bias', ...common]);
  t.equal(run.status, 0, run.stderr);
  const { size } = statSync(output);
  t.ok(size <= 190_000 && size > 170_000, `${size}`);
});

t.test('what cannot be done is said, and nothing is left behind', async (t) => {
  const output = path.join(folder, 'none.gguf');
  const refused = async (args: string[], message: RegExp, status = 1) => {
    const run = await hearth(['prune', dense, '-o', output, ...args]);
    t.equal(run.status, status, args.join(' '));
    t.match(run.stderr, message);
    t.notOk(existsSync(output));
    t.notOk(readdirSync(folder).some((name) => name.endsWith('.part')));
  };
  await refused([], /say how much to remove/, 2);
  await refused(['--ratio', '0.2', '--size', '1GB'], /say how much to remove/, 2);
  await refused(['--ratio', 'abc'], /--ratio takes a number/, 2);
  await refused(['--ratio', '0.2', '--layers', '2-7'], /has layers 0 to 2; --layers 2-7/);
  await refused(['--ratio', '0.9', ...common], /a ratio of 0.9 cannot be reached/);
  await refused(['--kv-heads', '3', '--n-ff', '96', ...common], /--kv-heads 3: layer \d has 2/);
  const whole =
    /nothing has to go: unpruned, it has 172 K weights and makes a file of at most \d+ B as Q4_K_M; hearth convert/;
  for (const more of [
    ['--ratio', '0'],
    ['--params', '1M'],
    ['--size', '1GB'],
  ])
    await refused([...more, ...common], whole);
  await refused(['--kv-heads', '2', '--n-ff', '160', ...common], whole);
  const empty = path.join(folder, 'empty.txt');
  writeFileSync(empty, ' ');
  await refused(['--ratio', '0.2', '--text', empty], /empty\.txt is empty/);
  const binary = path.join(folder, 'binary.txt');
  writeFileSync(binary, 'a\0b');
  await refused(['--ratio', '0.2', '--text', binary], /binary\.txt has bytes of zero/);
  const short = path.join(folder, 'short.txt');
  writeFileSync(short, sentence);
  await refused(['--ratio', '0.2', '--text', short], /short\.txt: \d+ characters .* needs 32768/);
  await refused(['--kv-heads', '1', '--n-ff', '0', ...common], /--n-ff takes/, 2);
  await refused(['--ratio', '0.2', '--memory', '100MiB'], /does not fit 100 MiB to be calibrated/);
});

t.test('a text of too few tokens to judge by is told before any long work', async (t) => {
  const output = path.join(folder, 'few.gguf');
  const words = path.join(folder, 'words.txt');
  // Long enough by its characters; each word is one token of this model.
  writeFileSync(words, 'refrigerator '.repeat(2700));
  const given = ['--ratio', '0.1', '--text', words, '--gpu', 'off', '--search', '0'];
  const run = await hearth(['prune', samplePath('appliance/dense'), '-o', output, ...given]);
  t.equal(run.status, 1);
  t.match(
    run.stderr,
    /held out to judge by is \d+ tokens long; expected at least 1024; give a longer --text/,
  );
  t.notMatch(run.stderr, /calibrating/);
  t.notOk(existsSync(output));
});

t.test('a file that exists is refused before any long work, and kept', async (t) => {
  const output = path.join(folder, 'taken.gguf');
  writeFileSync(output, 'mine');
  const run = await hearth(['prune', dense, '-o', output, '--ratio', '0.2', ...common]);
  t.equal(run.status, 1);
  t.match(run.stderr, /taken\.gguf: exists already; pass --force/);
  t.notMatch(run.stderr, /as a GGUF/);
  t.equal(readFileSync(output, 'utf8'), 'mine');
});

t.test('Ctrl-C while the file is judged leaves nothing, either', async (t) => {
  const output = path.join(folder, 'unjudged.gguf');
  const args = ['prune', dense, '-o', output, '--ratio', '0.2', ...common];
  const run = await hearth(args, { onStart: (child) => interruptAt(output, child) });
  t.equal(run.status, 130, run.stderr);
  t.notMatch(run.stderr, /FileHandle/, 'every file is closed');
  t.same(
    readdirSync(folder).filter((name) => name.startsWith('unjudged')),
    [],
  );
});

t.test('another architecture is refused by its name', async (t) => {
  const other = writeLlama(path.join(folder, 'qwen'), sizes, weights, { model_type: 'qwen2' });
  const run = await hearth(['prune', other, '-o', path.join(folder, 'q.gguf'), '--ratio', '0.2']);
  t.equal(run.status, 1);
  t.match(run.stderr, /has model_type "qwen2"; hearth converts "llama".*"qwen3".* would be next/);
});

t.test('a GPU that is not there is told before any long work', { skip: isMac }, async (t) => {
  const args = ['prune', dense, '-o', path.join(folder, 'gpu.gguf'), '--ratio', '0.2'];
  const run = await hearth([...args, '--gpu', 'metal', '--chat-template', 'llama-2']);
  t.equal(run.status, 1);
  t.match(run.stderr, /llama\.cpp finds no metal GPU here.*pass --gpu auto or off/);
  t.notMatch(run.stderr, /the unpruned model as a GGUF/);
});

t.test('a calibration of another model is refused', async (t) => {
  const output = path.join(folder, 'other.gguf');
  const calibration = path.join(folder, 'calibration.gguf');
  const args = ['prune', samplePath('appliance/dense'), '-o', output, '--ratio', '0.1'];
  const run = await hearth([...args, '--calibration', calibration, ...common]);
  t.equal(run.status, 1);
  t.match(run.stderr, /calibration\.gguf is a calibration of another model/);
  t.notMatch(run.stderr, /the unpruned model as a GGUF/, 'before any long work');
});
