import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { openLog } from '../../../runtime/log/answer-log.js';
import { openLogReader } from '../../../runtime/log/log-reader.js';
import { MIGRATIONS, migrate } from '../../../runtime/log/migrations.js';
import { skipFileWithout } from '../../support/needs.js';
import { sqlite3 } from './log-rows.js';

skipFileWithout('sqlite3');

t.test('an empty file gets every step, in order and once', async (t) => {
  const file = path.join(t.testdir({ 'log.db': '' }), 'log.db');
  for (let start = 0; start < 2; start++) await openLog({ path: file }).close();
  t.same(sqlite3(file, 'SELECT name FROM _migration'), [
    { name: '001-tables' },
    { name: '002-answers-view' },
    { name: '003-measurements' },
    { name: '004-model-id' },
    { name: '005-otlp' },
    { name: '006-draft' },
  ]);
  t.same(sqlite3(file, 'PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
});

t.test('a log of version 1 keeps its rows and gets the view, by writer or by reader', async (t) => {
  const folder = t.testdir();
  for (const open of [openLog, openLogReader]) {
    const file = path.join(folder, `${open.name}.db`);
    makeVersion1(file);
    t.throws(() => sqlite3(file, 'SELECT * FROM answers'), /no such table: answers/);
    await open({ path: file }).close();
    t.match(sqlite3(file, 'SELECT model, ttft_ms FROM answers'), [{ model: 'old', ttft_ms: 5 }]);
  }
});

t.test('a newer schema is refused by name, for reading too, and left as it is', async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  await openLog({ path: file }).close();
  execFileSync('sqlite3', [file, "INSERT INTO _migration VALUES ('900-future', '2030-01-01')"]);
  const refusal = { code: 'HEARTH_LOG', message: /newer hearth .*"900-future".*update hearth/ };
  t.throws(() => openLog({ path: file }), refusal);
  t.throws(() => openLogReader({ path: file }), refusal);
  t.equal(sqlite3(file, 'SELECT * FROM _migration').length, 7);
});

t.test('a step that fails leaves the log as it was', (t) => {
  const file = path.join(t.testdir(), 'log.db');
  makeVersion1(file);
  const db = new Database(file);
  const broken = [
    ...MIGRATIONS.slice(0, 1),
    { name: '002', sql: 'CREATE TABLE a (x); CREATE TABEL' },
  ];
  t.throws(() => migrate(db, broken), /syntax error/);
  db.close();
  t.same(sqlite3(file, "SELECT name FROM sqlite_schema WHERE name = 'a'"), []);
  t.same(sqlite3(file, 'SELECT name FROM _migration'), [{ name: '001-tables' }]);
  t.end();
});

t.test('programs that start together make the log once and all write to it', async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  // Each of the four brings the same new models at the same time, over and over: whoever looks
  // before another has written must still find what the other writes.
  await inPrograms(
    4,
    file,
    `for (let model = 0; model < 50; model++) {
       const sha256 = model.toString(16).padStart(64, '0');
       const modelId = log.recordModel({ ...modelRow, sha256 });
       const machineId = log.recordMachine({ ...machineRow, cpu: 'cpu ' + model });
       log.recordRequest(requestRow(log.recordRun(runRow(machineId, modelId))));
     }`,
  );
  t.same(sqlite3(file, 'SELECT count(*) AS n, count(DISTINCT run_id) AS runs FROM answers'), [
    { n: 200, runs: 200 },
  ]);
  t.equal(sqlite3(file, 'SELECT * FROM machine').length, 50);
  t.equal(sqlite3(file, 'SELECT * FROM model').length, 50);
});

/** Runs `write` on one `log` in `count` programs at the same moment; each must lose no row. */
async function inPrograms(count: number, file: string, write: string): Promise<void> {
  const modules = path.resolve(import.meta.dirname, '../../..');
  const script = `
    import { once } from 'node:events';
    import { openLog } from '${modules}/runtime/log/answer-log.js';
    import { machineRow, modelRow, requestRow, runRow } from '${modules}/test/runtime/log/log-rows.js';
    const log = openLog({ path: process.argv[1], onWarning: console.error });
    console.log('ready');
    await once(process.stdin.resume(), 'end');
    ${write}
    await log.close();
    process.exitCode = log.unwrittenRows;`;
  const programs = Array.from({ length: count }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script, file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  const exits = programs.map((program) => once(program, 'exit'));
  await Promise.all(programs.map((program) => once(program.stdout, 'data')));
  for (const program of programs) program.stdin.end();
  t.same(
    (await Promise.all(exits)).map(([code]) => code),
    programs.map(() => 0),
  );
}

/** A log as it was before the view, filled by the sqlite3 shell. */
function makeVersion1(file: string): void {
  const db = new Database(file);
  migrate(db, MIGRATIONS.slice(0, 1));
  db.close();
  execFileSync('sqlite3', [
    file,
    `INSERT INTO machine VALUES (1, '2026-01-01', 'cpu', 4, 1, '[]', NULL, 'os');
     INSERT INTO model VALUES (1, NULL, '/m', '2026-01-01', 1, 'old', 'llama', 1, 1, 1, 1, '[1]', '[1]', '[1]', '{}', NULL);
     INSERT INTO run (machine_id, model_id, started_at, hearth_version, settings)
       VALUES (1, 1, '2026-01-01', '0.0.1', '{}');
     INSERT INTO request (run_id, started_at, endpoint, ttft_ms) VALUES (1, '2026-01-01', 'chat', 5)`,
  ]);
}
