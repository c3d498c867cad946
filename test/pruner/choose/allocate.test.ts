import t from 'tap';
import { allocate, keptGroups, type Narrowable } from '../../../pruner/choose/allocate.js';
import { meetTarget } from '../../../pruner/choose/target.js';

/** Errors that grow by `slope` a group. */
function part(slope: number, options: Partial<Narrowable> = {}): Narrowable {
  const order = Array.from({ length: 10 }, (_, i) => 9 - i);
  const curve = { order, errors: [0, ...order.map((_, i) => slope * (i + 1))] };
  return { curve, nGroups: 10, least: 2, step: 2, price: 1, paramsPerGroup: 5, ...options };
}

t.test('what costs least for the weights it saves goes first, down to its least width', (t) => {
  const [cheap, dear] = [part(1), part(3)];
  t.same([...(allocate([cheap, dear], 20) ?? []).values()], [6, 10]);
  t.same([...(allocate([cheap, dear], 60) ?? []).values()], [2, 6]);
  t.equal(allocate([cheap, dear], 81), null);
  t.end();
});

t.test('a price weighs the error, and weights the bytes saved', (t) => {
  const [priced, large] = [part(1, { price: 4 }), part(3, { paramsPerGroup: 50 })];
  t.same([...(allocate([priced, large], 100) ?? []).values()], [10, 8]);
  t.end();
});

t.test('the first step ends at whole blocks', (t) => {
  const odd = part(1, { step: 4 });
  t.same([...(allocate([odd], 1) ?? []).values()], [8]);
  t.end();
});

t.test('the kept groups are those that go last, in their order', (t) => {
  t.same(keptGroups(part(1), 3), [0, 1, 2]);
  t.end();
});

const model = { nParams: 1000 } as Parameters<typeof meetTarget>[2]['model'];

t.test('a ratio, a number of weights and a size say how much goes', (t) => {
  const parts = [part(1), part(1)];
  const fileBytes = (widths: ReadonlyMap<Narrowable, number>) =>
    100 + 10 * [...widths.values()].reduce((sum, kept) => sum + kept, 0);
  const meet = (target: Parameters<typeof meetTarget>[1]) =>
    [
      ...meetTarget(parts, target, {
        model,
        path: 'dense',
        fileBytes,
        remove: (n) => allocate(parts, n),
      }).values(),
    ].reduce((sum, kept) => sum + kept, 0);
  t.equal(meet({ kind: 'ratio', ratio: 0.04 }), 12);
  t.equal(meet({ kind: 'params', params: 960 }), 12);
  t.equal(meet({ kind: 'size', sizeBytes: 225 }), 12);
  t.equal(meet({ kind: 'size', sizeBytes: 299 }), 18);
  t.equal(meet({ kind: 'size', sizeBytes: 300 }), 20, 'what fits whole stays whole');
  t.throws(() => meet({ kind: 'size', sizeBytes: 90 }), {
    message: /dense: a file of 90 B cannot be reached: of its .* weights, .* can go/,
  });
  t.throws(() => meet({ kind: 'ratio', ratio: 0.5 }), { message: /a ratio of 0.5 cannot/ });
  t.end();
});
