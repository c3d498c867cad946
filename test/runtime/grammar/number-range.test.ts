// Ranges tried value by value: an expression of these is a regular expression but for its quotes and
// spaces, and JavaScript's engine says what that takes.
import t from 'tap';
import {
  type Bound,
  type Bounds,
  integerRange,
  LARGEST,
  numberRange,
} from '../../../runtime/grammar/number-range.js';

const at = (value: number | bigint): Bound => ({ value: BigInt(value), isExclusive: false });
const beyond = (value: number | bigint): Bound => ({ value: BigInt(value), isExclusive: true });

function taker(expression: string | null): (text: string) => boolean {
  if (expression === null) return () => false;
  const pattern = new RegExp(`^(?:${expression.replaceAll('"."', '\\.').replace(/[" ]/g, '')})$`);
  return (text) => pattern.test(text);
}

/** Every pair of bounds, each of them included and excluded, and the values between. */
function* ranges(ends: number[]): Generator<{ range: Bounds; holds: (value: number) => boolean }> {
  for (const low of ends.flatMap((end) => [at(end), beyond(end)]))
    for (const high of ends.flatMap((end) => [at(end), beyond(end)]))
      yield {
        range: { low, high },
        holds: (value) =>
          (low.isExclusive ? value > low.value : value >= low.value) &&
          (high.isExclusive ? value < high.value : value <= high.value),
      };
}

t.test('integers: all pairs of bounds, all values around', (t) => {
  const ends = [
    -1001, -1000, -101, -100, -99, -10, -9, -1, 0, 1, 9, 10, 11, 19, 20, 99, 100, 455, 999, 1000,
  ];
  for (const { range, holds } of ranges(ends)) {
    const takes = taker(integerRange(range));
    for (let value = -1100; value <= 1100; value++)
      if (takes(String(value)) !== holds(value)) t.fail(`${value}`, { range });
  }
  t.end();
});

t.test('integers are written one way, and as long as their bounds', (t) => {
  const takes = taker(integerRange({ low: at(-LARGEST), high: at(LARGEST) }));
  for (const text of ['0', '-1', String(LARGEST), String(-LARGEST)]) t.ok(takes(text), text);
  for (const text of ['-0', '01', '+1', '1.0', '', '-', String(LARGEST + 1n)])
    t.notOk(takes(text), text);
  t.equal(integerRange({ low: at(2), high: at(1) }), null);
  t.end();
});

t.test('numbers: tenths and hundredths around every pair of bounds', (t) => {
  for (const { range, holds } of ranges([-20, -11, -10, -9, -1, 0, 1, 2, 9, 10, 11, 20])) {
    const takes = taker(numberRange(range));
    for (let hundredths = -2200; hundredths <= 2200; hundredths++) {
      const value = hundredths / 100;
      for (const text of new Set([String(value), value.toFixed(2)]))
        if (takes(text) !== holds(value)) t.fail(text, { range });
    }
  }
  t.end();
});
