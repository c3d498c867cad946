// The bounds that a JSON schema sets to a number.
// Fractions are rounded inwards for integers; between numbers, which may have a fraction themselves, a
// grammar of digits keeps whole bounds alone.
import { GrammarError } from './grammar-rules.js';
import { type Bound, LARGEST, type Range } from './number-range.js';

/** Throws {@link GrammarError} for a bound that a grammar cannot keep. */
export function boundsOf(
  schema: Record<string, unknown>,
  type: 'integer' | 'number',
  path: string,
): Range {
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
