// Numbers between two bounds, as an expression of a GBNF grammar.
// A grammar knows digits, not values: a range is split at the first digit in which its ends differ.
import { GrammarError } from './grammar-rules.js';

/** As many digits as an integer without bounds may have. */
const MAX_DIGITS = 16;
export const LARGEST = 10n ** BigInt(MAX_DIGITS) - 1n;

export type Bound = { value: bigint; isExclusive: boolean };
export type Bounds = { low: Bound; high: Bound };

const FRACTION = `("." [0-9]{1,${MAX_DIGITS}})?`;
const ZEROS = `("." "0"{1,${MAX_DIGITS}})?`;
const MORE_THAN_ZERO = `"." "0"{0,${MAX_DIGITS - 1}} [1-9] [0-9]{0,${MAX_DIGITS}}`;

/** Integers; null where there are none between the bounds. */
export function integerRange({ low, high }: Bounds): string | null {
  const least = low.isExclusive ? low.value + 1n : low.value;
  const most = high.isExclusive ? high.value - 1n : high.value;
  if (least > most) return null;
  const negative = least < 0n && `"-" (${naturals(most < 0n ? -most : 1n, -least)})`;
  const positive = most >= 0n && naturals(least > 0n ? least : 0n, most);
  return [negative, positive].filter(Boolean).join(' | ');
}

/** Numbers with or without a fraction, none with an exponent; null where there are none. */
export function numberRange({ low, high }: Bounds): string | null {
  const zero = { value: 0n, isExclusive: false };
  const negative =
    low.value < 0n && magnitudes({ low: high.value > 0n ? zero : minus(high), high: minus(low) });
  const positive = high.value >= 0n && magnitudes({ low: low.value < 0n ? zero : low, high });
  const parts = [negative && `"-" (${negative})`, positive].filter(Boolean);
  return parts.length > 0 ? parts.join(' | ') : null;
}

function minus({ value, isExclusive }: Bound): Bound {
  return { value: -value, isExclusive };
}

/** Of bounds that are not negative. */
function magnitudes({ low, high }: Bounds): string | null {
  if (low.value > high.value) return null;
  if (low.value === high.value)
    return low.isExclusive || high.isExclusive ? null : `"${low.value}" ${ZEROS}`;
  const parts: string[] = [];
  const first = low.isExclusive ? low.value + 1n : low.value;
  if (low.isExclusive) parts.push(`"${low.value}" ${MORE_THAN_ZERO}`);
  if (first < high.value) parts.push(`(${naturals(first, high.value - 1n)}) ${FRACTION}`);
  if (!high.isExclusive) parts.push(`"${high.value}" ${ZEROS}`);
  return parts.join(' | ');
}

/** The natural numbers from `low` to `high`, both included. */
function naturals(low: bigint, high: bigint): string {
  const [from, to] = [String(low), String(high)];
  if (from.length === to.length) return sameLength(from, to);
  const parts = [sameLength(from, '9'.repeat(from.length))];
  if (to.length - from.length > 1) parts.push(`[1-9] [0-9]{${from.length},${to.length - 2}}`);
  parts.push(sameLength(`1${'0'.repeat(to.length - 1)}`, to));
  return parts.join(' | ');
}

/** The texts of digits from `from` to `to`, which are as long as each other. */
function sameLength(from: string, to: string): string {
  if (from === to) return `"${from}"`;
  const shared = [...from].findIndex((digit, i) => digit !== to[i]);
  if (shared > 0)
    return `"${from.slice(0, shared)}" (${sameLength(from.slice(shared), to.slice(shared))})`;
  const n = from.length - 1;
  const [fromTail, toTail] = [from.slice(1), to.slice(1)];
  const isFromWhole = !/[1-9]/.test(fromTail);
  const isToWhole = !/[0-8]/.test(toTail);
  const [first, last] = [
    Number(from[0]) + Number(!isFromWhole),
    Number(to[0]) - Number(!isToWhole),
  ];
  const parts: string[] = [];
  if (!isFromWhole) parts.push(`"${from[0]}" (${sameLength(fromTail, '9'.repeat(n))})`);
  if (first <= last) parts.push(`[${first}-${last}]${n > 0 ? ` [0-9]{${n}}` : ''}`);
  if (!isToWhole) parts.push(`"${to[0]}" (${sameLength('0'.repeat(n), toTail)})`);
  return parts.join(' | ');
}

/**
 * The bounds that a JSON schema sets to a number. Fractions are rounded inwards for integers; between
 * numbers, which may have a fraction themselves, a grammar of digits keeps only whole bounds.
 * Throws {@link GrammarError} for a bound that a grammar cannot keep.
 */
export function boundsOf(
  schema: Record<string, unknown>,
  type: 'integer' | 'number',
  path: string,
): Bounds {
  return {
    low: boundOf(schema, 'minimum', { type, path }),
    high: boundOf(schema, 'maximum', { type, path }),
  };
}

/** The tighter of the two bounds of one side; as far as numbers are written where there is none. */
function boundOf(
  schema: Record<string, unknown>,
  side: 'minimum' | 'maximum',
  { type, path }: { type: string; path: string },
): Bound {
  const exclusive = side === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum';
  const bounds = [exclusive, side].flatMap((keyword) => {
    const value = schema[keyword];
    if (value === undefined) return [];
    checkBound(value, type, `${path}.${keyword}`);
    const whole = side === 'minimum' ? Math.ceil(value) : Math.floor(value);
    return { value: BigInt(whole), isExclusive: keyword === exclusive && whole === value };
  });
  const [first, second] = bounds;
  if (!first) return { value: side === 'minimum' ? -LARGEST : LARGEST, isExclusive: false };
  if (!second) return first;
  const isTighter = side === 'minimum' ? second.value > first.value : second.value < first.value;
  return isTighter ? second : first;
}

function checkBound(value: unknown, type: string, path: string): asserts value is number {
  if (typeof value !== 'number' || Math.abs(value) > Number(LARGEST))
    throw new GrammarError(`${path} must be a number of at most ${String(LARGEST).length} digits`);
  if (type === 'number' && !Number.isInteger(value))
    throw new GrammarError(`${path} of ${value} is not supported; expected a whole number`);
}
