import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { openLog } from '../../../runtime/log/answer-log.js';
import {
  machineRow,
  modelRow,
  recordStart,
  requestRow,
  runRow,
  STARTED_AT_MS,
} from './log-rows.js';

const cli = path.resolve(import.meta.dirname, '../../../cli.js');

async function hearthLog(...options: string[]) {
  const env = { ...process.env, TZ: 'Europe/Berlin', XDG_STATE_HOME: '/tmp/state' };
  const child = spawn(process.execPath, [cli, 'log', ...options], { env });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status, stdout, stderr };
}

t.test('answers as a table, JSON and CSV', async (t) => {
  const file = await logOfTwo(t.testdir());
  const table = await hearthLog('--log', file);
  t.equal(table.stderr, '');
  t.equal(
    table.stdout,
    `Time         Model   Type  Tokens    TTFT  tok/s    Memory  End
11-24 10:30  pruned  Q4_K           12 ms                   engine-crash
11-24 10:30  pruned  Q4_K  500+80  120 ms   40.0  6.16 GiB  eos, -2 turns
`,
  );
  const [crash, answer] = JSON.parse((await hearthLog('--log', file, '--json')).stdout);
  t.match(crash, { error_code: 'HEARTH_ENGINE_CRASH', ttft_ms: 12, tokens_per_second: null });
  t.match(answer, { model: 'pruned-7b', tokens_per_second: 40, prompt: null });
  const csv = await hearthLog(
    '--log',
    file,
    '--csv',
    '--sql',
    'SELECT id, prompt, stop_reason FROM answers',
  );
  t.equal(csv.stdout, 'id,prompt,stop_reason\n1,,eos\n2,,\n');
  const only = await hearthLog(
    '--log',
    file,
    '--json',
    '--limit',
    '1',
    '--where',
    'error_code IS NULL',
  );
  t.equal(JSON.parse(only.stdout)[0].id, 1);
});

t.test('a summary shows percentiles and peaks', async (t) => {
  const file = await logOfTwo(t.testdir());
  t.equal(
    (await hearthLog('--log', file, '--summary', '--by', 'model')).stdout,
    `               Answers  Errors  TTFT p50     p95     p99  tok/s p5   p50   p95   p99   Memory       GPU
pruned (Q4_K)        2       1     66 ms  115 ms  119 ms      40.0  40.0  40.0  40.0  677 MiB  5.49 GiB
`,
  );
  t.match(JSON.parse((await hearthLog('--log', file, '--summary', '--json')).stdout), [
    { name: 'all', answers: 2, errors: 1, ttft_p50_ms: 66.125 },
  ]);
});

t.test(
  'types of one model are apart, who came too early is no failure, nothing is wider than 80',
  async (t) => {
    const file = path.join(t.testdir(), 'log.db');
    const log = openLog({ path: file });
    const machineId = log.recordMachine(machineRow);
    for (const type of ['Q4_K', 'Q8_0']) {
      const model = {
        ...modelRow,
        sha256: null,
        path: `/models/pruned-${type}.gguf`,
        types: { [type]: 9, F32: 20 },
      };
      const runId = log.recordRun(runRow(machineId, log.recordModel(model)));
      log.recordRequest(requestRow(runId));
      const error = { code: 'HEARTH_NOT_READY', message: 'the model is loading' };
      log.recordRequest({
        runId,
        startedAtMs: STARTED_AT_MS,
        endpoint: 'chat',
        timings: {},
        error,
      });
    }
    await log.close();
    const { stdout } = await hearthLog('--log', file, '--summary', '--by', 'model', '--json');
    t.match(JSON.parse(stdout), [
      { name: 'pruned-Q4_K (Q4_K)', answers: 1, errors: 0 },
      { name: 'pruned-Q8_0 (Q8_0)', answers: 1, errors: 0 },
    ]);
    const list = await hearthLog('--log', file);
    t.match(list.stdout, /pruned-Q8_0 {2}Q8_0/);
    t.ok(list.stdout.split('\n').every((line) => line.length <= 80));
  },
);

t.test('CSV holds nothing that a spreadsheet computes or a terminal obeys', async (t) => {
  const sql = `SELECT '=1+1' AS a, '@b' AS b, 'x' || char(27) || '[2J' AS c, -5 AS d, 'e=1' AS e`;
  const { stdout } = await hearthLog('--log', await logOfTwo(t.testdir()), '--csv', '--sql', sql);
  t.equal(stdout, "a,b,c,d,e\n'=1+1,'@b,x␛[2J,-5,e=1\n");
});

t.test('nothing to show is said, on stderr', async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  await openLog({ path: file }).close();
  t.match(await hearthLog('--log', file), {
    status: 0,
    stdout: '',
    stderr: /no answers in .*log\.db yet/,
  });
  t.match(await hearthLog('--log', file, '--json'), { status: 0, stdout: '[]\n' });
  t.match(await hearthLog('--log', file, '--summary'), { status: 0, stdout: '' });
  t.match(await hearthLog('--log', `${file}.none`), {
    status: 1,
    stderr: /there is no log at .* yet/,
  });
});

t.test('path names the default or the given log', async (t) => {
  t.equal((await hearthLog('path')).stdout, '/tmp/state/hearth/log.db\n');
  t.equal((await hearthLog('path', '--log', '/a/b.db')).stdout, '/a/b.db\n');
});

t.test('mistakes exit with 2, failures with 1, and say what is wrong', async (t) => {
  const file = await logOfTwo(t.testdir());
  const mistakes: [status: number, message: RegExp, ...options: string[]][] = [
    [2, /--limit takes a whole number from 1 to 1000000, not "abc"/, '--limit', 'abc'],
    [2, /--limit takes a whole number/, '--limit', '0'],
    [2, /--limit takes a whole number/, '--limit', '1.5'],
    [2, /given twice: 1 and 2/, '--limit', '1', '--limit', '2'],
    [2, /"soon" is not a time/, '--since', 'soon'],
    [2, /by -> summary/, '--by', 'day'],
    [2, /Choices: "all", "model"/, '--summary', '--by', 'week'],
    [2, /mutually exclusive/, '--json', '--csv'],
    [2, /mutually exclusive/, '--sql', 'SELECT 1', '--summary'],
    [2, /Unknown argument/, '--nosuch'],
    [1, /no such column: nosuch/, '--where', 'nosuch = 1'],
    [1, /more than one statement/, '--sql', 'SELECT 1; SELECT 2'],
    [1, /only a SELECT may be run/, '--sql', 'DELETE FROM request'],
  ];
  const check = async ([status, message, ...options]: (typeof mistakes)[number]) => {
    const result = await hearthLog('--log', file, ...options);
    t.match(result, { status, stdout: '', stderr: message }, options.join(' '));
    t.notMatch(result.stderr, /\n\s+at /, 'no stack');
  };
  await Promise.all(mistakes.map(check));
});

t.test('tail shows the last answers, then new ones, until Ctrl-C', async (t) => {
  const file = await logOfTwo(t.testdir());
  const child = spawn(process.execPath, [cli, 'log', 'tail', '--json', '--log', file]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextId = async () => JSON.parse((await lines.next()).value).id;
  t.equal(await nextId(), 1);
  t.equal(await nextId(), 2);
  const log = openLog({ path: file });
  log.recordRequest(requestRow(1, { isProbe: true }));
  log.recordRequest(requestRow(1));
  await log.close();
  t.equal(await nextId(), 4);
  child.kill('SIGINT');
  t.same(await once(child, 'exit'), [130, null]);
});

t.test('tail ends quietly when its reader has enough', async (t) => {
  const file = await logOfTwo(t.testdir());
  const command = `"$0" "$1" log tail --log "$2" | head -1; exit "\${PIPESTATUS[0]}"`;
  const result = spawnSync('bash', ['-c', command, process.execPath, cli, file], {
    encoding: 'utf8',
  });
  t.match(result, { status: 0, stderr: '', stdout: /^Time +Model/ });
});

/** An answer and a crash. */
async function logOfTwo(folder: string): Promise<string> {
  const file = path.join(folder, 'log.db');
  const log = openLog({ path: file });
  const runId = recordStart(log);
  log.recordRequest(requestRow(runId));
  log.recordRequest({
    runId,
    startedAtMs: STARTED_AT_MS + 1000,
    endpoint: 'chat',
    timings: { ttftMs: 12 },
    error: { code: 'HEARTH_ENGINE_CRASH', message: 'killed' },
  });
  await log.close();
  return file;
}
