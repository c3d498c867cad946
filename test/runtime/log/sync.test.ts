// When a row counts as kept: with `sync` once the disk has it, else when it is committed.
// The disk's own flush is replaced by one that this test ends, as no test can pull a plug;
// test/boot does.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import t from 'tap';

const { fdatasync } = fs;
const flushes: (() => void)[] = [];
Object.assign(fs, {
  fdatasync: (file: number, done: fs.NoParamCallback) => {
    flushes.push(() => fdatasync(file, done));
  },
});
syncBuiltinESMExports();
const { openLog } = await import('../../../runtime/log/answer-log.js');
const { recordStart, requestRow } = await import('./log-rows.js');

async function isPending(promise: Promise<void>): Promise<boolean> {
  const later = new Promise((resolve) => setTimeout(resolve, 20, 'later'));
  return (await Promise.race([promise, later])) === 'later';
}

/** Ends flushes, and those that they let begin, until none is left. */
async function flushAll(): Promise<void> {
  while (flushes.length > 0) {
    for (const flush of flushes.splice(0)) flush();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

t.test('with sync, a row is waited for until a flush that began after it has ended', async (t) => {
  const log = openLog({ path: path.join(t.testdir(), 'log.db'), sync: true });
  const runId = recordStart(log);
  await flushAll();
  log.recordRequest(requestRow(runId));
  const first = log.settled();
  log.recordRequest(requestRow(runId));
  const second = log.settled();
  t.ok(await isPending(first));
  flushes.shift()?.();
  await first;
  t.ok(await isPending(second), 'the flush that ran may have missed it');
  await flushAll();
  await second;
  await log.settled();
  await log.close();
});

t.test('a disk that hangs holds an answer up for a second at most', async (t) => {
  const log = openLog({ path: path.join(t.testdir(), 'log.db'), sync: true });
  log.recordRequest(requestRow(recordStart(log)));
  await log.settled();
  t.ok(flushes.length > 0, 'nothing was flushed');
  await flushAll();
  await log.close();
});

t.test('without sync nothing is waited for', async (t) => {
  const log = openLog({ path: path.join(t.testdir(), 'log.db') });
  log.recordRequest(requestRow(recordStart(log)));
  t.notOk(await isPending(log.settled()));
  await flushAll();
  await log.close();
});
