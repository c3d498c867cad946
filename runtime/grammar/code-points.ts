// Sets of characters, and how each of them stands inside a JSON string.
// A grammar speaks of the text that a model writes, a schema of the value that it means: a quote, a
// backslash and the control characters are written as escapes, and everything else as it is.
import { literal } from './grammar-rules.js';

/** Code points from the first to the last, both included; sorted, and none touches the next. */
export type CodePoints = readonly (readonly [first: number, last: number])[];

const LAST = 0x10_ff_ff;
/** Halves of a pair, which are no characters. */
const SURROGATES = [0xd8_00, 0xdf_ff] as const;
const [BACKSLASH, QUOTE, DELETE] = [0x5c, 0x22, 0x7f] as const;
const LAST_CONTROL = 0x1f;

export function codePoints(ranges: Iterable<readonly [number, number]>): CodePoints {
  const sorted = [...ranges].sort(([a], [b]) => a - b);
  const joined: [number, number][] = [];
  for (const [first, last] of sorted) {
    const before = joined.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

/** Every character that is in none of them. */
export function others(points: CodePoints): CodePoints {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [first, last] of codePoints([...points, SURROGATES])) {
    if (first > next) gaps.push([next, first - 1]);
    next = last + 1;
  }
  return next > LAST ? gaps : [...gaps, [next, LAST]];
}

/** What a grammar writes for one of these inside a JSON string, as one element; null where there are none. */
export function inJsonString(points: CodePoints): string | null {
  const given = intersection(points, others([]));
  const escaped = codePoints([
    [0, LAST_CONTROL],
    [QUOTE, QUOTE],
    [BACKSLASH, BACKSLASH],
    [DELETE, DELETE],
  ]);
  const plain = intersection(given, others(escaped));
  const asIs = plain.length > 0 ? `[${plain.map(rangeText).join('')}]` : null;
  const parts = escapes(intersection(given, escaped));
  if (parts.length === 0) return asIs;
  return `(${[...(asIs ? [asIs] : []), ...parts].join(' | ')})`;
}

/** One character's text inside a JSON string. */
export function escapedChar(point: number): string {
  if (point === DELETE) return '\\u007f';
  return JSON.stringify(String.fromCodePoint(point)).slice(1, -1);
}

function intersection(a: CodePoints, b: CodePoints): CodePoints {
  return a.flatMap(([first, last]) =>
    b
      .filter(([from, to]) => from <= last && to >= first)
      .map(([from, to]): [number, number] => [Math.max(first, from), Math.min(last, to)]),
  );
}

/** Escapes that differ in their last character only become one class. */
function escapes(points: CodePoints): string[] {
  const texts = points.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => escapedChar(first + i)),
  );
  const endings = new Map<string, string>();
  for (const text of texts) {
    const start = text.slice(0, -1);
    endings.set(start, (endings.get(start) ?? '') + text.slice(-1));
  }
  return Array.from(endings, ([start, ends]) =>
    ends.length === 1
      ? literal(start + ends)
      : `${literal(start)} [${ends.replace(/[\\\]"-]/g, '\\$&')}]`,
  );
}

function rangeText([first, last]: readonly [number, number]): string {
  return first === last ? classChar(first) : `${classChar(first)}-${classChar(last)}`;
}

function classChar(point: number): string {
  const char = String.fromCodePoint(point);
  if (/[a-zA-Z0-9]/.test(char)) return char;
  const hex = point.toString(16);
  return point > 0xff_ff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}
