// Giving up in the middle of a large conversion leaves nothing: Ctrl-C, SIGTERM, SIGHUP, an AbortSignal.
// The checkpoint is large enough that there is a middle, which the file on the disk tells.
// The same checkpoint shows how much memory a conversion takes, which must not grow with the model.
import type { ChildProcess } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { convert, OutputError, type StreamProgress } from 'hearth/converter';
import t from 'tap';
import { makeSyntheticCheckpoint } from '../../bench/development/synthetic-checkpoint.js';
import { hearth } from '../support/hearth.js';

const folder = t.testdir();
const large = await makeCheckpoint('large', 4);
const larger = await makeCheckpoint('larger', 8);

/** Of 25.7 MB a layer. */
async function makeCheckpoint(name: string, nLayer: number): Promise<string> {
  const checkpoint = path.join(folder, name);
  const widths = { nEmbd: 1024, nVocab: 2048, nHead: 8, nFf: 2816 };
  await makeSyntheticCheckpoint(checkpoint, { ratio: 0, nLayer, widths });
  return checkpoint;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  t.test(`${signal} in the middle exits with 130 and leaves nothing`, async (t) => {
    const cwd = t.testdir({ 'old.gguf': 'precious' });
    let sent: Promise<void> | undefined;
    const onStart = (child: ChildProcess) => {
      sent = interruptInTheMiddle(child, cwd, signal);
    };
    const args = [
      'convert',
      large,
      '--type',
      'Q4_K_M',
      '--threads',
      '1',
      '-o',
      'old.gguf',
      '--force',
    ];
    const run = await hearth(args, { cwd, onStart });
    await sent;
    t.equal(run.status, 130);
    t.equal(run.stdout, '');
    t.notMatch(run.stderr, /^hearth: /m, 'no error: the user knows');
    t.strictSame(readdirSync(cwd), ['old.gguf']);
    t.equal(readFileSync(path.join(cwd, 'old.gguf'), 'utf8'), 'precious');
  });

t.test('an AbortSignal rejects with its reason and leaves nothing', async (t) => {
  const cwd = t.testdir();
  const stop = new AbortController();
  const reason = new Error('enough');
  const seen: StreamProgress[] = [];
  const onProgress = (progress: StreamProgress) => {
    seen.push(progress);
    if (progress.tensorsDone === 3) stop.abort(reason);
  };
  const output = path.join(cwd, 'a.gguf');
  const converting = convert({ checkpoint: large, output, signal: stop.signal, onProgress });
  await t.rejects(converting, reason);
  t.ok(seen.length < 100, 'long before the end');
  t.strictSame(readdirSync(cwd), []);
  const early = convert({ checkpoint: large, output, signal: AbortSignal.abort(reason) });
  await t.rejects(early, reason);
  t.strictSame(readdirSync(cwd), []);
});

t.test('a checkpoint that changes while it is read fails the conversion', async (t) => {
  const cwd = t.testdir();
  const [weights = ''] = readdirSync(large).filter((name) => /safetensors$|\.bin$/.test(name));
  const file = path.join(large, weights);
  const changes: Record<string, () => void> = {
    'written to, and set back in time': () => {
      const { atime, mtime } = statSync(file);
      const handle = openSync(file, 'r+');
      writeSync(handle, Buffer.from([1]), 0, 1, statSync(file).size - 1);
      closeSync(handle);
      utimesSync(file, atime, mtime);
    },
    'another file of the same bytes': () => {
      copyFileSync(file, `${file}.new`);
      renameSync(`${file}.new`, file);
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    const onProgress = ({ tensorsDone }: StreamProgress) => {
      if (tensorsDone === 3) change();
    };
    const converting = convert({ checkpoint: large, output: path.join(cwd, 'a.gguf'), onProgress });
    await t.rejects(
      converting,
      { code: 'HEARTH_CHECKPOINT', message: /changed while it was read/ },
      name,
    );
    t.strictSame(readdirSync(cwd), []);
  }
});

t.test('a program that gives up when it sees the plan reads no weights', async (t) => {
  const cwd = t.testdir();
  const stop = new AbortController();
  let seen = 0;
  const converting = convert({
    checkpoint: large,
    output: path.join(cwd, 'a.gguf'),
    signal: stop.signal,
    onPlan: () => stop.abort(),
    onProgress: () => seen++,
  });
  await t.rejects(converting, { name: 'AbortError' });
  t.equal(seen, 0);
  t.strictSame(readdirSync(cwd), []);
});

t.test('what a caller throws while it is told of progress ends the conversion', async (t) => {
  const cwd = t.testdir();
  const broken = new Error('a broken bar');
  const onProgress = () => {
    throw broken;
  };
  const converting = convert({ checkpoint: large, output: path.join(cwd, 'a.gguf'), onProgress });
  await t.rejects(converting, broken);
  t.strictSame(readdirSync(cwd), []);
});

t.test('progress counts every byte and every tensor once', async (t) => {
  const output = path.join(t.testdir(), 'a.gguf');
  const seen: StreamProgress[] = [];
  await convert({
    checkpoint: large,
    output,
    type: 'Q8_0',
    onProgress: (event) => seen.push(event),
  });
  const last = seen.at(-1);
  t.equal(last?.bytesDone, last?.totalBytes);
  t.equal(last?.tensorsDone, last?.tensors);
  t.ok(seen.every(({ bytesDone }, i) => i === 0 || bytesDone > (seen[i - 1]?.bytesDone ?? 0)));
  t.ok(seen.length > 50, 'often enough for a bar');
});

t.test(
  'two conversions to one name: the second is refused and the first stays whole',
  async (t) => {
    const cwd = t.testdir();
    const options = { checkpoint: large, output: path.join(cwd, 'a.gguf'), type: 'Q8_0' } as const;
    const results = await Promise.allSettled([convert(options), convert(options)]);
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason] : [],
    );
    t.equal(refused.length, 1);
    t.ok(refused[0] instanceof OutputError);
    t.match(refused[0].message, /exists already/);
    t.strictSame(readdirSync(cwd), ['a.gguf']);
  },
);

t.test('peak memory is below 512 MiB and does not grow with the model', async (t) => {
  const cwd = t.testdir();
  const peaks: number[] = [];
  for (const checkpoint of [large, larger]) {
    const args = [
      'convert',
      checkpoint,
      '--type',
      'Q8_0',
      '--threads',
      '2',
      '-o',
      'a.gguf',
      '--json',
      '--force',
    ];
    const run = await hearth(args, { cwd });
    t.equal(run.status, 0);
    peaks.push(JSON.parse(run.stdout).peak_rss_bytes);
  }
  t.comment(`peaks ${peaks.map((peak) => Math.round(peak / 2 ** 20)).join(' and ')} MiB`);
  t.ok(peaks.every((peak) => peak < 400 * 2 ** 20));
  const [once = 0, twice = 0] = peaks;
  t.ok(twice < 1.2 * once);
  rmSync(larger, { recursive: true });
});

/** Waits until the temporary file is there and being written, then sends the signal. */
async function interruptInTheMiddle(
  child: ChildProcess,
  cwd: string,
  signal: NodeJS.Signals,
): Promise<void> {
  const isWriting = () => readdirSync(cwd).some((name) => name.endsWith('.part'));
  while (!isWriting() && child.exitCode === null) await delay(10);
  await delay(200);
  child.kill(signal);
}
