import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { collectGarbage } from '../../terminal/garbage.js';

t.test(
  'what nothing holds any more is collected at once, in a Node without --expose-gc',
  async (t) => {
    t.equal(globalThis.gc, undefined);
    const header = new WeakRef({ tokens: Array.from({ length: 1000 }, (_, i) => `token ${i}`) });
    t.ok(header.deref());
    // A WeakRef that was read holds until its turn ends.
    await setImmediate();
    collectGarbage();
    t.equal(header.deref(), undefined);
    collectGarbage();
  },
);

t.test('and the memory of its arrays is the machine’s again', (t) => {
  const sizeBytes = 2 ** 28;
  const fill = () => new Float32Array(sizeBytes / 4).fill(1).length;
  t.equal(fill(), sizeBytes / 4);
  const heldBytes = process.memoryUsage.rss();
  collectGarbage();
  t.ok(heldBytes - process.memoryUsage.rss() > 0.9 * sizeBytes);
  t.end();
});
