// Text that a stranger wrote (names and metadata of a model, its answers, errors that quote either) on
// its way to a terminal or a page: what would steer them or turn the direction of writing is shown, not
// obeyed. Letters stay, whatever their direction.

/** Controls but for tab and newline, marks that turn the direction of writing, halves of characters. */
const STEERING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be obeyed
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** What would end a line, steer it or hide in it. */
const NOT_IN_A_LINE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `text` with what steers as its code, `\u001b`; newlines stay. */
export function printable(text: string): string {
  return text.replace(STEERING, asCode).replaceAll('\t', asCode);
}

/** For an answer in a terminal: tabs stay too, and a control character is its picture, `␛`. */
export function readable(text: string): string {
  return text.replace(STEERING, asPicture);
}

/** For a cell of a table: what a terminal would obey, and what would end the row, is one space. */
export function inOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
}

/** For a value that a message quotes: a question mark for each. */
export function quotable(text: string): string {
  return text.replace(NOT_IN_A_LINE, '?');
}

/** For a page: in text and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replace(STEERING, asCode)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function asCode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function asPicture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return code < 0xa0 ? `\\x${code.toString(16)}` : asCode(character);
}
