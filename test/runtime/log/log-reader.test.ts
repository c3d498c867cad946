import path from 'node:path';
import t from 'tap';
import { openLog } from '../../../runtime/log/answer-log.js';
import { openLogReader } from '../../../runtime/log/log-reader.js';
import { needs } from '../../support/needs.js';
import { machineRow, modelRow, recordStart, requestRow, runRow, sqlite3 } from './log-rows.js';

const skip = needs('sqlite3');

const HOUR_MS = 3_600_000;
/** Noon, so that no time zone moves an hour's rows into another day. */
const NOON_MS = Date.UTC(2026, 10, 24, 12);

t.test('percentiles are those of the values, errors and probes apart', async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: file });
  const runId = recordStart(log);
  // 0 to 100 ms and 10 to 110 tok/s: percentiles can be read off.
  for (let i = 0; i <= 100; i++)
    log.recordRequest(
      requestRow(runId, {
        timings: { ttftMs: i, generatedTokens: 10 + i, generationMs: 1000 },
        memory: { peakRssBytes: 1000 - i, devicePeakBytes: i },
      }),
    );
  log.recordRequest(requestRow(runId, { isProbe: true, timings: { ttftMs: 1e6 } }));
  log.recordRequest(
    requestRow(runId, {
      timings: null,
      memory: null,
      stopReason: null,
      error: { code: 'HEARTH_ENGINE_CRASH', message: 'killed' },
    }),
  );
  const reader = openLogReader({ path: file });
  t.match(reader.summary(), [
    {
      name: 'all',
      answers: 102,
      errors: 1,
      ttft_p50_ms: 50,
      ttft_p95_ms: 95,
      ttft_p99_ms: 99,
      tokens_per_second_p5: 15,
      tokens_per_second_p50: 60,
      tokens_per_second_p95: 105,
      tokens_per_second_p99: 109,
      peak_rss_bytes: 1000,
      device_peak_bytes: 100,
    },
  ]);
  t.match(reader.summary({ where: 'ttft_ms <= 10' }), [{ answers: 11, ttft_p50_ms: 5 }]);
  reader.close();
  await log.close();
});

t.test('answers group by model, device and day', async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: file });
  const onGpu = recordStart(log);
  const other = { ...modelRow, sha256: null, path: '/models/tiny.gguf' };
  const run = runRow(log.recordMachine(machineRow), log.recordModel(other));
  const info = run.info && { ...run.info, backend: 'cpu' as const, deviceNames: [] };
  const onCpu = log.recordRun({ ...run, info });
  log.recordRequest(requestRow(onGpu, { startedAtMs: NOON_MS - 24 * HOUR_MS }));
  log.recordRequest(requestRow(onCpu, { startedAtMs: NOON_MS }));
  log.recordRequest(requestRow(onCpu, { startedAtMs: NOON_MS }));
  await log.close();

  const reader = openLogReader({ path: file });
  const groups = (by: 'model' | 'device' | 'day') =>
    reader.summary({ by }).map(({ name, answers }) => [name, answers]);
  t.same(groups('model'), [
    ['pruned (Q4_K)', 1],
    ['tiny (Q4_K)', 2],
  ]);
  t.same(groups('device'), [
    ['RTX 3060', 1],
    ['Ryzen 5 5600', 2],
  ]);
  t.same(groups('day'), [
    ['2026-11-23', 1],
    ['2026-11-24', 2],
  ]);
  t.equal(reader.summary({ since: '2026-11-24T00:00:00.000Z' })[0]?.answers, 2);
  reader.close();
});

t.test('series put answers and samples into buckets of time', async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: file });
  const runId = recordStart(log);
  for (const minutes of [1, 59, 61])
    log.recordRequest(
      requestRow(runId, {
        startedAtMs: NOON_MS + minutes * 60_000,
        timings: { ttftMs: minutes },
        memory: { contextUsed: 1024, peakRssBytes: minutes },
      }),
    );
  for (const rssBytes of [5, 9])
    log.recordSample({ runId, takenAtMs: NOON_MS, rssBytes, availableBytes: 100 - rssBytes });
  const reader = openLogReader({ path: file });
  t.match(reader.series({ bucketMs: HOUR_MS }), [
    {
      started_at: '2026-11-24T12:00:00Z',
      answers: 2,
      ttft_p50_ms: 30,
      peak_rss_bytes: 59,
      context_fill: 0.25,
    },
    { started_at: '2026-11-24T13:00:00Z', answers: 1, ttft_p50_ms: 61 },
  ]);
  t.same(reader.series({ bucketMs: HOUR_MS, since: '2026-11-24T13:00:00Z' }).length, 1);
  t.match(reader.samples({ bucketMs: 60_000 }), [
    {
      taken_at: '2026-11-24T12:00:00Z',
      rss_bytes: 9,
      available_bytes: 91,
      cpu_temperature_c: null,
    },
  ]);
  reader.close();
  await log.close();
});

t.test('the latest answers are newest first, and newer ones follow', async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: file });
  const runId = recordStart(log);
  for (const endpoint of ['a', 'b', 'c']) log.recordRequest(requestRow(runId, { endpoint }));
  const reader = openLogReader({ path: file });
  const endpoints = (rows: { endpoint: string }[]) => rows.map(({ endpoint }) => endpoint).join('');
  t.equal(endpoints(reader.latest()), 'cba');
  t.equal(endpoints(reader.latest({ limit: 2 })), 'cb');
  t.equal(endpoints(reader.latest({ limit: 2, before: 3 })), 'ba', 'the page after that');
  t.equal(endpoints(reader.latest({ where: "endpoint < 'c' -- a comment" })), 'ba');
  const version = reader.version();
  t.equal(reader.version(), version);
  log.recordRequest(requestRow(runId, { endpoint: 'd' }));
  t.not(reader.version(), version);
  t.equal(endpoints(reader.after(2)), 'cd');
  t.equal(reader.lastId(), 4);
  reader.close();
  await log.close();
});

t.test('a query reads and can do nothing else', async (t) => {
  const folder = t.testdir();
  const file = path.join(folder, 'log.db');
  const log = openLog({ path: file });
  log.recordRequest(requestRow(recordStart(log)));
  await log.close();
  const reader = openLogReader({ path: file });
  t.same(reader.query('WITH a AS (SELECT count(*) AS n FROM answers) SELECT n FROM a'), [{ n: 1 }]);
  for (const sql of [
    'DELETE FROM request',
    'DELETE FROM request RETURNING id',
    'SELECT 1; DELETE FROM request',
    `ATTACH '${folder}/other.db' AS other`,
    `VACUUM INTO '${folder}/copy.db'`,
    'PRAGMA user_version = 3',
    'PRAGMA journal_mode = DELETE',
    'CREATE TEMP TABLE a (b)',
    'BEGIN',
    'SELECT nosuch FROM answers',
    'SELECT ?',
    'no SQL',
    '',
  ])
    t.throws(() => reader.query(sql), { code: 'HEARTH_LOG_QUERY' }, sql);
  for (const where of ['nosuch = 1', '1) UNION SELECT (1', '1; DELETE FROM request', '@x'])
    t.throws(() => reader.latest({ where }), { code: 'HEARTH_LOG_QUERY' }, where);
  t.equal(reader.lastId(), 1);
  reader.close();
});

t.test('a log that is not there is not made', { skip }, (t) => {
  const file = path.join(t.testdir(), 'log.db');
  t.throws(() => openLogReader({ path: file }), { code: 'HEARTH_LOG', message: /no log at .*yet/ });
  t.throws(() => sqlite3(`file:${file}?mode=ro`, 'SELECT 1'), /unable to open/);
  t.end();
});

t.test('.schema explains every column of the view answers', { skip }, async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  await openLog({ path: file }).close();
  const columns = sqlite3(file, 'SELECT name FROM pragma_table_info("answers")');
  const [view] = sqlite3(file, "SELECT sql FROM sqlite_schema WHERE name = 'answers'");
  t.ok(columns.length > 40);
  for (const { name } of columns)
    t.match(view?.sql, new RegExp(` AS ${name}\\b,? +-- \\S`), `${name}`);
});
