// When a row counts as kept: with `sync` once the disk has it, else when it is committed.
// The disk's own flush is replaced by one that this test ends, at once and whatever the disk is busy
// with, as no test can pull a plug; test/boot does.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import t from 'tap';

const flushes: (() => void)[] = [];
Object.assign(fs, {
  fdatasync: (_file: number, done: fs.NoParamCallback) => {
    flushes.push(() => done(null));
  },
});
syncBuiltinESMExports();
const { openLog } = await import('../../../runtime/log/answer-log.js');
const { recordStart, requestRow } = await import('./log-rows.js');

async function isPending(promise: Promise<void>): Promise<boolean> {
  const later = new Promise((resolve) => setImmediate(resolve, 'later'));
  return (await Promise.race([promise, later])) === 'later';
}

/** Ends flushes, and those that they let begin, until none is left. */
function flushAll(): void {
  while (flushes.length > 0) flushes.shift()?.();
}

t.test('with sync, a row is waited for until a flush that began after it has ended', async (t) => {
  const log = openLog({ path: path.join(t.testdir(), 'log.db'), sync: true });
  const runId = recordStart(log);
  flushAll();
  log.recordRequest(requestRow(runId));
  const first = log.settled();
  log.recordRequest(requestRow(runId));
  const second = log.settled();
  t.ok(await isPending(first));
  flushes.shift()?.();
  await first;
  t.ok(await isPending(second), 'the flush that ran may have missed it');
  flushAll();
  await second;
  await log.settled();
  await log.close();
});

t.test('a disk that hangs holds an answer up for a second at most', async (t) => {
  const log = openLog({ path: path.join(t.testdir(), 'log.db'), sync: true });
  log.recordRequest(requestRow(recordStart(log)));
  await log.settled();
  t.ok(flushes.length > 0, 'nothing was flushed');
  flushAll();
  await log.close();
});

t.test('without sync nothing is waited for', async (t) => {
  const log = openLog({ path: path.join(t.testdir(), 'log.db') });
  log.recordRequest(requestRow(recordStart(log)));
  t.notOk(await isPending(log.settled()));
  flushAll();
  await log.close();
});
