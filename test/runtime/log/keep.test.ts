import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { openLog } from '../../../runtime/log/answer-log.js';
import { openForWriting } from '../../../runtime/log/database.js';
import { parseKeep, pruneSlice } from '../../../runtime/log/keep.js';
import { needs } from '../../support/needs.js';
import { recordStart, requestRow, STARTED_AT_MS, sqlite3 } from './log-rows.js';

const skip = needs('sqlite3');

const DAY_MS = 86_400_000;

t.test('an age or a size', (t) => {
  t.same(parseKeep('90d'), { kind: 'age', ageMs: 90 * DAY_MS });
  t.same(parseKeep('2w'), { kind: 'age', ageMs: 14 * DAY_MS });
  t.same(parseKeep('500MB'), { kind: 'size', sizeBytes: 500e6 });
  t.same(parseKeep('1GiB'), { kind: 'size', sizeBytes: 2 ** 30 });
  for (const text of ['', '90', 'd', '-1d', '0MB', '90 days', '1e3MB'])
    t.throws(() => parseKeep(text), { code: 'HEARTH_LOG_QUERY', message: /90d or a size/ }, text);
  t.end();
});

t.test('an age keeps what is younger, requests and samples alike', { skip }, async (t) => {
  const file = await filledLog(t.testdir(), 1200);
  const db = openForWriting(file);
  while (pruneSlice(db, { kind: 'age', ageMs: 100.5 * DAY_MS }, STARTED_AT_MS));
  db.close();
  t.same(sqlite3(file, 'SELECT count(*) AS n, min(id) AS first FROM request'), [
    { n: 100, first: 1101 },
  ]);
  t.same(sqlite3(file, 'SELECT count(*) AS n, min(id) AS first FROM sample'), [
    { n: 100, first: 1101 },
  ]);
  t.equal(sqlite3(file, 'SELECT * FROM run').length, 1);
});

t.test('a size cuts the oldest, and the file on the disk shrinks', { skip }, async (t) => {
  const file = await filledLog(t.testdir(), 3000);
  const before = statSync(file).size;
  const sizeBytes = before / 2;
  const db = openForWriting(file);
  while (pruneSlice(db, { kind: 'size', sizeBytes }));
  db.close();
  t.ok(statSync(file).size <= sizeBytes);
  t.ok(statSync(file).size > sizeBytes / 2, 'no more than needed is cut');
  const [kept] = sqlite3(
    file,
    'SELECT count(*) AS n, max(id) AS last, min(id) AS first FROM request',
  );
  t.equal(kept?.last, 3000);
  t.equal(
    Number(kept?.last) - Number(kept?.first) + 1,
    kept?.n,
    'the newest are kept, with no gap',
  );
  t.same(sqlite3(file, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
});

t.test('an open log prunes by itself', { skip }, async (t) => {
  const file = await filledLog(t.testdir(), 600);
  const log = openLog({ path: file, keep: '1s' });
  while (Number(sqlite3(file, 'SELECT count(*) AS n FROM request')[0]?.n) > 0) await sleep(20);
  await log.close();
  t.same(sqlite3(file, 'SELECT * FROM sample'), []);
});

/** A log with a request and a sample a day, the newest a day before {@link STARTED_AT_MS}. */
async function filledLog(folder: string, days: number): Promise<string> {
  const file = path.join(folder, 'log.db');
  const log = openLog({ path: file });
  const runId = recordStart(log);
  for (let day = days; day >= 1; day--) {
    const timeMs = STARTED_AT_MS - day * DAY_MS;
    log.recordRequest(requestRow(runId, { startedAtMs: timeMs }));
    log.recordSample({ runId, takenAtMs: timeMs, rssBytes: day });
  }
  await log.close();
  return file;
}
