import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import t, { type Test } from 'tap';
import { WalFlush } from '../../../runtime/log/wal-flush.js';

type Callback = () => void;

/** A flush whose disk answers when the test says so. */
function slowFlush(t: Test) {
  const started: Callback[] = [];
  const { fdatasync } = fs;
  const replace = (flush: unknown) => {
    Object.assign(fs, { fdatasync: flush });
    syncBuiltinESMExports();
  };
  replace((_file: number, done: Callback) => started.push(done));
  t.teardown(() => replace(fdatasync));
  const folder = t.testdir({ 'log.db-wal': '' });
  return { flush: new WalFlush(path.join(folder, 'log.db')), started };
}

/** Whether it is resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  return await Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ]);
}

t.test('what was asked for is waited for, and nothing that is asked for later', async (t) => {
  const { flush, started } = slowFlush(t);
  t.ok(await isDone(flush.done()), 'nothing asked for');
  flush.request();
  const first = flush.done();
  flush.request();
  const second = flush.done();
  t.equal(started.length, 1, 'one at a time');
  t.notOk(await isDone(first));
  started[0]?.();
  t.ok(await isDone(first), 'on the disk');
  t.notOk(await isDone(second), 'asked for after the first flush began');
  t.equal(started.length, 2);
  flush.request();
  started[1]?.();
  t.ok(await isDone(second));
  const closed = flush.close();
  t.notOk(await isDone(closed));
  started[2]?.();
  await t.resolves(closed);
});
