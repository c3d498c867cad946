// Parses JSON whose cost in memory is bounded before JSON.parse sees it.
// A few bytes of hostile JSON ([[],[],...) become many times as much heap, so counts are limited.
// Does not validate JSON itself; JSON.parse does.
import { CheckpointError } from './checkpoint-error.js';

/**
 * Llama 3's tokenizer.json, the largest known, has 280 000 arrays, 1.1 million values, 131 000 keys
 * and depth 6. A key costs most: up to 200 bytes in a large object.
 */
const MAX_DEPTH = 64;
const MAX_OBJECTS = 20_000;
const MAX_ARRAYS = 400_000;
const MAX_VALUES = 1_250_000;
/** Keys of a config or a header; a vocabulary has more. */
const MAX_KEYS = 50_000;
export const MAX_VOCABULARY_KEYS = 200_000;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];

/** The object that `bytes` hold. Throws {@link CheckpointError} on anything else or on a bomb. */
export function parseBoundedJson(
  bytes: Buffer,
  filePath: string,
  maxKeys = MAX_KEYS,
): Record<string, unknown> {
  const counts = countStructure(bytes);
  const withinLimits =
    counts.depth <= MAX_DEPTH &&
    counts.objects <= MAX_OBJECTS &&
    counts.arrays <= MAX_ARRAYS &&
    counts.values <= MAX_VALUES &&
    counts.keys <= maxKeys;
  if (!withinLimits)
    throw new CheckpointError(
      filePath,
      'its JSON has far more values than any model needs; it is damaged or hostile',
    );
  const parsed = parse(bytes, filePath);
  if (!isJsonObject(parsed))
    throw new CheckpointError(filePath, 'does not hold a JSON object; it is damaged');
  return parsed;
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type StructureCounts = Record<'depth' | 'objects' | 'arrays' | 'values' | 'keys', number>;

function countStructure(bytes: Buffer): StructureCounts {
  const counts = { depth: 0, objects: 0, arrays: 0, values: 1, keys: 0 };
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i);
    else if (byte === COMMA) counts.values++;
    else if (byte === COLON) counts.keys++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      counts[byte === OPEN_OBJECT ? 'objects' : 'arrays']++;
      counts.depth = Math.max(counts.depth, ++depth);
    }
  }
  return counts;
}

function endOfString(bytes: Buffer, start: number): number {
  let i = start + 1;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

function parse(bytes: Buffer, filePath: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new CheckpointError(filePath, 'is not valid JSON; it is damaged', { cause });
  }
}

/** Of one line; null where the text is not JSON, or JSON of another kind. */
export function jsonObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
