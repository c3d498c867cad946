import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { sqlite3 } from '../../runtime/log/log-rows.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { hearth } from '../../support/hearth.js';
import { needs } from '../../support/needs.js';

const skip = needs('sqlite3');

const folder = t.testdir();
const model = await applianceGguf(folder, 'appliance/pruned-20');
const quick = ['--gpu', 'off', '--threads', '1', '--ctx', '256'];

t.test('every point is a row on stdout and in the log, beside its run', { skip }, async (t) => {
  const log = path.join(folder, 'log.db');
  const words = [
    'measure',
    model,
    ...quick,
    '-r',
    '2',
    '--depth',
    '64',
    '-o',
    'json',
    '--log',
    log,
  ];
  const { status, stdout, stderr } = await hearth(words);
  t.equal(status, 0, stderr);
  const rows = JSON.parse(stdout);
  t.same(
    rows.map((row: { test: string }) => row.test),
    ['answer128', 'tg128', 'tg128 @ d64'],
  );
  for (const row of rows) {
    t.equal(row.samples_ns.length, 2, row.test);
    const tokens = row.n_gen;
    t.ok(Math.abs(row.avg_ns - (row.samples_ns[0] + row.samples_ns[1]) / 2) <= 1);
    t.ok(row.min_ts <= row.median_ts && row.median_ts <= row.max_ts);
    t.ok(Math.abs(row.max_ts - (tokens * 1e9) / Math.min(...row.samples_ns)) < 1e-6);
    t.ok(row.peak_rss_bytes >= row.rss_bytes && row.rss_bytes > 10e6);
    t.match(row, { budget_bytes: null, backends: 'CPU', gpu_info: '', n_threads: 1 });
  }
  t.match(rows[0], { n_gen: 128, kv_bytes: Number, weights_bytes: Number });
  for (const row of rows) {
    const { predicted_weights_bytes, predicted_kv_bytes, predicted_compute_bytes } = row;
    t.equal(row.weights_bytes, predicted_weights_bytes, row.test);
    // The engine's cache is told to a hundredth of a MiB, llama.cpp's own count is exact.
    const differs = row.test === 'answer128' ? 5_300 : 0;
    t.ok(Math.abs(row.kv_bytes - predicted_kv_bytes) <= differs, row.test);
    t.ok(Math.abs(row.compute_bytes - predicted_compute_bytes) <= differs, row.test);
    // Held against the peak by npm run bench:fit: the test runner loads 80 MiB into every process.
    t.ok(row.predicted_host_bytes > row.weights_bytes + row.kv_bytes, row.test);
  }
  t.match(
    rows.slice(1).map((row: { predicted_ts: number }) => row.predicted_ts > 0),
    [true, true],
    'by the bandwidth that was measured here',
  );
  t.ok(rows[0].weights_bytes > 9e6, 'F16 weights');
  t.match(rows[1].model_type, /^deci/);
  t.same(
    sqlite3(log, 'SELECT test, median_ts, end_reason FROM measurement JOIN run ON run.id = run_id'),
    rows.map(({ test, median_ts }: { test: string; median_ts: number }) => ({
      test,
      median_ts,
      end_reason: 'stopped',
    })),
  );
});

t.test(
  'a process that dies leaves the rows before it, and its end is told',
  { skip },
  async (t) => {
    const log = path.join(folder, 'died.db');
    const words = ['measure', model, ...quick, '-r', '20', '-o', 'json', '--log', log];
    const { status, stdout, stderr } = await hearth(words, {
      onStart: ({ pid, stderr }) => {
        const killing = setInterval(() => {
          const child = childOf(pid ?? 0, 'speed-child.js');
          if (child === undefined) return;
          clearInterval(killing);
          // In the middle of its twenty repeats.
          setTimeout(() => process.kill(child, 'SIGKILL'), 1_000);
        }, 50);
        stderr?.once('end', () => clearInterval(killing));
      },
    });
    t.equal(status, 1);
    t.match(stderr, /hearth: the measuring process was ended by SIGKILL/);
    const tests = JSON.parse(stdout).map((row: { test: string }) => row.test);
    t.equal(tests[0], 'answer128');
    t.equal(sqlite3(log, 'SELECT * FROM measurement').length, tests.length);
    t.match(sqlite3(log, 'SELECT end_reason, error_message FROM run'), [
      { end_reason: 'crashed', error_message: /SIGKILL/ },
    ]);
  },
);

t.test('Ctrl-C prints what was measured and exits with 130', async (t) => {
  const words = ['measure', model, ...quick, '-r', '20', '-o', 'json', '--no-log'];
  const { status, stdout } = await hearth(words, {
    onStart: (child) => {
      child.stderr?.on('data', (text: Buffer) => {
        if (/answer128: [\d.]+ t/.test(String(text))) child.kill('SIGINT');
      });
    },
  });
  t.equal(status, 130);
  t.equal(JSON.parse(stdout)[0].test, 'answer128');
});

t.test('a budget is told as simulated; one that the model exceeds ends it, not us', async (t) => {
  const run = (budget: string) =>
    hearth(['measure', model, ...quick, '-r', '1', '--no-log', '-o', 'json', '--budget', budget]);
  const fits = await run('4GiB');
  t.equal(fits.status, 0, fits.stderr);
  t.match(fits.stderr, /simulated/);
  for (const row of JSON.parse(fits.stdout))
    t.match(row, { budget_bytes: 4 * 2 ** 30, budget_by: /^(cgroup|rlimit)$/ });
  const exceeds = await run('24MiB');
  t.equal(exceeds.status, 1);
  t.match(exceeds.stderr, /^hearth: the engine's process .*held to 24 MiB/m);
  t.same(JSON.parse(exceeds.stdout), []);
});

t.test('what cannot be measured is refused by name', async (t) => {
  const noCatalogue = path.join(folder, 'wrong.json');
  writeFileSync(noCatalogue, '{"devices": [{"id": "mine", "memory": 8}]}');
  const refused: [words: string[], status: number, message: RegExp][] = [
    [[path.join(folder, 'none.gguf')], 1, /none\.gguf/],
    [[model, '--device', 'rtx-3061'], 1, /no device is called "rtx-3061"; nearest: rtx-3060/],
    [[model, '--device', ''], 2, /--device is empty/],
    [[model, '--device', 'mine', '--devices', noCatalogue], 1, /wrong\.json/],
    [[model, '--budget', '8'], 2, /"8" is not a size/],
    [[model, '--budget', '-8GiB'], 2, /"-8GiB" is not a size/],
    [[model, '--ctx', '-512'], 2, /--ctx takes a whole number from 1/],
    [[model, '--memory', '8GiB'], 2, /Unknown argument: memory/],
    [[model, '-r', '0'], 2, /--repeats takes a whole number/],
    [[model, '--depth', '-1'], 2, /depth/],
    [[model, '-o', 'xml'], 2, /xml/],
  ];
  for (const [words, status, message] of refused)
    t.match(await hearth(['measure', ...words, '--no-log']), { status, stderr: message });
});

/** The id of a process of `pid` that runs this script. */
function childOf(pid: number, script: string): number | undefined {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return numbers.map(Number).find((number) => {
    try {
      const parent = / (\d+) /.exec(
        readFileSync(`/proc/${number}/stat`, 'latin1').split(') ')[1] ?? '',
      );
      return (
        Number(parent?.[1]) === pid &&
        readFileSync(`/proc/${number}/cmdline`, 'latin1').includes(script)
      );
    } catch {
      return false;
    }
  });
}
