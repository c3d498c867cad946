// Turns a pickled value into plain JSON, for configs and the settings of tokenizers.
// Values are shared in a pickle, so a small one can expand without end: the result is limited.
// Leaves out what JSON has no word for (bytes, storages, classes other than torch's dtypes).
import { CheckpointError } from '../checkpoint-error.js';
import { PickleGlobal, PickleObject, type PickleValue } from './value.js';

/** A tokenizer with 10 000 added tokens has 70 000 values. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 32;

type Budget = { values: number; filePath: string };

/** JSON for `value`, or undefined where there is none. Throws {@link CheckpointError} on a bomb. */
export function toPlainJson(value: PickleValue | undefined, filePath: string): unknown {
  return convert(value, { values: MAX_VALUES, filePath }, 0);
}

/** The fields of a pickled object or dict as plain JSON; empty for anything else. */
export function toPlainRecord(
  value: PickleValue | undefined,
  filePath: string,
): Record<string, unknown> {
  const fields = value instanceof PickleObject ? value.state : value;
  return fields instanceof Map ? (toPlainJson(fields, filePath) as Record<string, unknown>) : {};
}

function convert(value: PickleValue | undefined, budget: Budget, depth: number): unknown {
  if (--budget.values < 0 || depth > MAX_DEPTH)
    throw new CheckpointError(budget.filePath, 'its config is nested without end; it is hostile');
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Map) return convertDict(value, budget, depth);
  if (Array.isArray(value) || value instanceof Set)
    return Array.from(value, (item) => convert(item, budget, depth + 1) ?? null);
  if (value instanceof PickleObject && value.state instanceof Map)
    return convertDict(value.state, budget, depth);
  if (value instanceof PickleGlobal && value.module === 'torch') return value.name;
  return undefined;
}

function convertDict(
  dict: ReadonlyMap<PickleValue, PickleValue>,
  budget: Budget,
  depth: number,
): Record<string, unknown> {
  const fields: [string, unknown][] = [];
  for (const [key, value] of dict) {
    const plain = convert(value, budget, depth + 1);
    const named = typeof key === 'string' || typeof key === 'number';
    if (named && plain !== undefined) fields.push([String(key), plain]);
  }
  return Object.fromEntries(fields);
}
