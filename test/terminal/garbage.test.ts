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
