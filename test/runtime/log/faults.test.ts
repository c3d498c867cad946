import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { openLog } from '../../../runtime/log/answer-log.js';
import { needs } from '../../support/needs.js';
import { machineRow, modelRow, recordStart, requestRow, runRow, sqlite3 } from './log-rows.js';

const skip = needs('sqlite3');

const modules = path.resolve(import.meta.dirname, '../../..');
const imports = `
  import { execFileSync } from 'node:child_process';
  import { rmSync, writeFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { openLog } from '${modules}/runtime/log/answer-log.js';
  import { recordStart, requestRow, sqlite3 } from '${modules}/test/runtime/log/log-rows.js';`;

const canMount =
  spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
const needsMount = { skip: canMount ? false : 'mounting a small disk is not allowed here' };

t.test(
  'a full disk keeps rows in memory and writes them when there is room',
  { skip: needsMount.skip || needs('sqlite3') },
  async (t) => {
    const result = onSmallDisk(
      t.testdir(),
      `
    const folder = process.argv[1];
    const file = folder + '/log.db';
    const warnings = [];
    const log = openLog({ path: file, logText: true, onWarning: (text) => warnings.push(text) });
    const runId = recordStart(log);
    writeFileSync(folder + '/filler', Buffer.alloc(1.5e6));
    let recorded = 0;
    for (; log.unwrittenRows < 20; recorded++)
      log.recordRequest(requestRow(runId, { answer: 'word '.repeat(200) }));
    const unwritten = log.unwrittenRows;
    const lastError = log.lastError;
    rmSync(folder + '/filler');
    while (log.unwrittenRows > 0) await sleep(20);
    const cleared = log.lastError;
    await log.close();
    const [{ n }] = sqlite3(file, 'SELECT count(*) AS n FROM answers');
    console.log(JSON.stringify({ recorded, unwritten, lastError, cleared, warnings, n }));`,
    );
    t.match(result, {
      unwritten: 20,
      lastError: /log\.db is on a full disk; free some space/,
      cleared: null,
      warnings: [/full disk.*answers go on/, /is written again/],
    });
    t.equal(result.n, result.recorded);
  },
);

t.test('a folder that cannot be made is an error, and no endless search for one', (t) => {
  t.throws(() => openLog({ path: '/proc/hearth/log.db' }), {
    code: 'HEARTH_LOG',
    message: /\/proc\/hearth/,
  });
  t.end();
});

t.test('closing on a disk that stays full says what is lost', needsMount, async (t) => {
  const result = onSmallDisk(
    t.testdir(),
    `
    const folder = process.argv[1];
    const warnings = [];
    const log = openLog({ path: folder + '/log.db', onWarning: (text) => warnings.push(text) });
    const runId = recordStart(log);
    try { writeFileSync(folder + '/filler', Buffer.alloc(4e6)); } catch {}
    while (log.unwrittenRows < 3) log.recordRequest(requestRow(runId));
    await log.close();
    console.log(JSON.stringify({ last: warnings.at(-1) }));`,
  );
  t.match(result.last, /^3 rows are lost: .*full disk/);
});

t.test('a log on a read-only disk is refused by name', needsMount, async (t) => {
  const result = onSmallDisk(
    t.testdir(),
    `
    const folder = process.argv[1];
    await openLog({ path: folder + '/log.db' }).close();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const messages = [];
    for (const name of ['/log.db', '/new.db', '/deep/new.db'])
      try { openLog({ path: folder + name }); } catch (error) { messages.push(error.code + error.message); }
    console.log(JSON.stringify({ messages }));`,
  );
  t.match(result.messages, [
    /HEARTH_LOG.*log\.db cannot be opened; check that its folder .* may be written/,
    /HEARTH_LOG.*new\.db cannot be opened; check that its folder .* may be written/,
    /HEARTH_LOG.*deep\/new\.db is (on a read-only file system|in a folder that cannot be made)/,
  ]);
});

t.test(
  'a file that may not grow stops no answer',
  { skip: process.platform !== 'linux' || needs('sqlite3') },
  (t) => {
    const file = path.join(t.testdir(), 'log.db');
    const script = `${imports}
    process.on('SIGXFSZ', () => {});
    const log = openLog({ path: process.argv[1] });
    const runId = recordStart(log);
    let recorded = 0;
    for (; log.unwrittenRows < 5; recorded++) log.recordRequest(requestRow(runId));
    execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
    await log.close();
    console.log(recorded);`;
    const limited = 'ulimit -S -f 300; exec "$0" --input-type=module -e "$1" "$2"';
    const recorded = execFileSync('bash', ['-c', limited, process.execPath, script, file], {
      encoding: 'utf8',
    });
    t.same(sqlite3(file, 'SELECT count(*) AS n FROM answers'), [{ n: Number(recorded) }]);
    t.end();
  },
);

t.test('rows wait while another program holds the lock, in their order', { skip }, async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: file });
  const release = await lock(file);
  const machineId = log.recordMachine(machineRow);
  const modelId = log.recordModel({ ...modelRow, sha256: null });
  const runId = log.recordRun(runRow(machineId, modelId));
  log.recordRequest(requestRow(runId, { endpoint: 'first' }));
  log.identifyModel(modelId, 'ef'.repeat(32));
  log.recordRequest(requestRow(runId, { endpoint: 'second' }));
  t.equal(log.unwrittenRows, 6);
  t.match(log.lastError, /log\.db is locked by another program/);
  await release();
  while (log.unwrittenRows > 0) await sleep(20);
  log.finishRun(runId, { endedAtMs: Date.now(), reason: 'stopped' });
  t.same(sqlite3(file, 'SELECT endpoint, model_sha256 FROM answers ORDER BY id'), [
    { endpoint: 'first', model_sha256: 'ef'.repeat(32) },
    { endpoint: 'second', model_sha256: 'ef'.repeat(32) },
  ]);
  t.same(sqlite3(file, 'SELECT end_reason FROM run'), [{ end_reason: 'stopped' }]);
  await log.close();
});

t.test('a deleted log is noticed, and goes on where it is put back', { skip }, async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const log = openLog({ path: file });
  const runId = recordStart(log);
  renameSync(file, `${file}.away`);
  log.recordRequest(requestRow(runId));
  t.match(log.lastError, /log\.db was moved or deleted while in use/);
  t.notOk(existsSync(file));
  renameSync(`${file}.away`, file);
  await log.close();
  t.same(sqlite3(file, 'SELECT count(*) AS n FROM answers'), [{ n: 1 }]);
});

t.test('a row that the schema refuses is given up and holds up no other', { skip }, async (t) => {
  const file = path.join(t.testdir(), 'log.db');
  const warnings: string[] = [];
  const log = openLog({ path: file, onWarning: (text) => warnings.push(text) });
  const runId = recordStart(log);
  log.recordRequest(requestRow(999));
  log.recordRequest(requestRow(runId, { startedAtMs: Number.NaN }));
  log.recordRequest(requestRow(runId));
  t.equal(log.unwrittenRows, 2);
  t.match(warnings, [/cannot hold a row.*FOREIGN KEY/, /cannot hold a row.*Invalid time/]);
  await log.close();
  t.same(sqlite3(file, 'SELECT count(*) AS n FROM answers'), [{ n: 1 }]);
});

t.test('what is no log of ours is refused and left as it is', { skip }, async (t) => {
  const folder = t.testdir({ 'text.db': 'no database '.repeat(1000), folder: {} });
  const foreign = path.join(folder, 'foreign.db');
  execFileSync('sqlite3', [foreign, 'CREATE TABLE recipe (name)']);
  const damaged = path.join(folder, 'damaged.db');
  await openLog({ path: damaged }).close();
  writeFileSync(damaged, Buffer.alloc(8192, 1), { flag: 'r+', flush: true });
  const refusals: [string, RegExp][] = [
    ['text.db', /text\.db is not an SQLite database; move it aside/],
    ['foreign.db', /foreign\.db is the database of another program/],
    ['damaged.db', /damaged\.db is (not an SQLite database|damaged); move it aside/],
    ['folder', /folder is a folder; name a file in it/],
    ['text.db/log.db', /text\.db\/log\.db is in a folder that cannot be made/],
  ];
  for (const [name, message] of refusals) {
    const open = () => openLog({ path: path.join(folder, name) });
    t.throws(open, { code: 'HEARTH_LOG', message }, name);
  }
  t.same(sqlite3(foreign, 'SELECT name FROM sqlite_schema'), [{ name: 'recipe' }]);
  t.throws(() => openLog({ path: path.join(folder, 'a.db'), keep: '3 lightyears' }), {
    code: 'HEARTH_LOG_QUERY',
  });
  t.notOk(existsSync(path.join(folder, 'a.db')));
});

/** Runs `script` with a disk of 2 MB of its own at `folder`, and returns the JSON it prints. */
function onSmallDisk(folder: string, script: string): Record<string, unknown> {
  const mount = `mount -t tmpfs -o size=2m tmpfs "$2" && exec "$0" --input-type=module -e "$1" "$2"`;
  const shell = ['-rm', 'sh', '-c', mount, process.execPath, imports + script, folder];
  return JSON.parse(execFileSync('unshare', shell, { encoding: 'utf8' }));
}

/** Takes the write lock from another process. Returns the function that lets it go. */
async function lock(file: string): Promise<() => Promise<void>> {
  const shell = spawn('sqlite3', [file]);
  shell.stdin.write("BEGIN IMMEDIATE;\nSELECT 'locked';\n");
  await once(shell.stdout, 'data');
  return async () => {
    shell.stdin.end('COMMIT;\n');
    await once(shell, 'exit');
  };
}
