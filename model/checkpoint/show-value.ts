// How a value out of a stranger's file is shown in a message: short and on one line.
// String() and JSON.stringify() would follow lists that hold themselves without end.
import { quotable } from '../../terminal/foreign-text.js';

const MAX_TEXT_LENGTH = 100;

/** `"text"`, `12`, `null`, `missing`, `a list` or `an object`. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return `"${quotable(shorten(value, MAX_TEXT_LENGTH))}"`;
  if (typeof value !== 'object' || value === null) return shorten(String(value), MAX_TEXT_LENGTH);
  return Array.isArray(value) ? 'a list' : 'an object';
}

/** Both ends of a text and "..." for what lies between them where it is too long. */
export function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const half = Math.floor((maxLength - 3) / 2);
  return `${text.slice(0, half)}...${text.slice(-half)}`;
}
