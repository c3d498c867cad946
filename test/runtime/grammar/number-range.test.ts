// Ranges tried value by value: an expression of these is a regular expression but for its quotes and
// spaces, and JavaScript's engine says what that takes.
import t from 'tap';
import {
  type Bound,
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

t.test('integers: all pairs of bounds, all values around', (t) => {
  const wrong: string[] = [];
  const ends = [
    -1001, -1000, -101, -100, -99, -10, -9, -1, 0, 1, 9, 10, 11, 19, 20, 99, 100, 455, 999, 1000,
  ];
  for (const low of ends)
    for (const high of ends)
      for (const [lower, upper] of [
        [at, at],
        [beyond, at],
        [at, beyond],
        [beyond, beyond],
      ] as const) {
        const takes = taker(integerRange({ low: lower(low), high: upper(high) }));
        for (let value = -1100; value <= 1100; value++) {
          const isAbove = lower === at ? value >= low : value > low;
          const isBelow = upper === at ? value <= high : value < high;
          if (takes(String(value)) !== (isAbove && isBelow)) wrong.push(`${low} ${value} ${high}`);
        }
      }
  t.same(wrong.slice(0, 9), []);
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
  const wrong: string[] = [];
  const ends = [-20, -11, -10, -9, -1, 0, 1, 2, 9, 10, 11, 20];
  for (const low of ends)
    for (const high of ends)
      for (const [lower, upper] of [
        [at, at],
        [beyond, at],
        [at, beyond],
        [beyond, beyond],
      ] as const) {
        const takes = taker(numberRange({ low: lower(low), high: upper(high) }));
        for (let hundredths = -2200; hundredths <= 2200; hundredths++) {
          const value = hundredths / 100;
          const isAbove = lower === at ? value >= low : value > low;
          const isBelow = upper === at ? value <= high : value < high;
          for (const text of new Set([String(value), value.toFixed(2)]))
            if (takes(text) !== (isAbove && isBelow)) wrong.push(`${low} ${text} ${high}`);
        }
      }
  t.same(wrong.slice(0, 9), []);
  t.end();
});
