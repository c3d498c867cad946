import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { WriteQueue } from '../../../runtime/log/write-queue.js';

/** A queue into an array that can be closed for a while. */
function makeQueue() {
  const warnings: string[] = [];
  const written: number[] = [];
  const disk = { isFull: false };
  const queue = new WriteQueue({
    name: 'the log',
    describe: (error) => (error as Error).message,
    isHopeless: (error) => error instanceof TypeError,
    onWarning: (text) => warnings.push(text),
  });
  const add = (value: number, isDroppable = true) =>
    queue.add({
      isDroppable,
      run: () => {
        if (disk.isFull) throw new Error('full');
        if (value < 0) throw new TypeError('negative');
        written.push(value);
      },
    });
  return { queue, add, disk, warnings, written };
}

t.test('rows are written at once, or later in their order', async (t) => {
  const { queue, add, disk, warnings, written } = makeQueue();
  add(1);
  t.same(written, [1]);
  disk.isFull = true;
  add(2);
  add(3);
  t.equal(queue.unwritten, 2);
  t.equal(queue.failing, 'full');
  disk.isFull = false;
  add(4);
  t.same(written, [1], 'a row never overtakes those that wait');
  while (queue.unwritten > 0) await sleep(10);
  t.same(written, [1, 2, 3, 4]);
  t.equal(queue.failing, null);
  t.same(warnings, [
    'full; answers go on, their rows wait in memory',
    'the log is written again; 3 rows catch up',
  ]);
});

t.test('a bounded number waits; the oldest that may go give way', (t) => {
  const { queue, add, disk, warnings, written } = makeQueue();
  disk.isFull = true;
  add(1, false);
  for (let value = 2; value <= 10_005; value++) add(value);
  t.equal(queue.waiting, 10_000);
  t.equal(queue.unwritten, 10_005);
  t.match(warnings[1], /has 10000 rows waiting; the oldest are given up/);
  disk.isFull = false;
  while (queue.waiting > 0) queue.flush();
  t.same(written.slice(0, 3), [1, 7, 8]);
  t.equal(written.at(-1), 10_005);
  t.equal(queue.unwritten, 5, 'what was given up stays counted');
  t.end();
});

t.test('a row at fault is given up, and said once', (t) => {
  const { queue, add, warnings, written } = makeQueue();
  for (const value of [-1, 1, -2, 2]) add(value);
  t.same(written, [1, 2]);
  t.equal(queue.unwritten, 2);
  t.same(warnings, ['the log cannot hold a row, which is given up: negative']);
  t.end();
});
