// A key that nobody guesses, and that can be read out and typed: no letters that look alike.

const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
/** 99 bits. */
const LENGTH = 20;

export function makeKey(): string {
  // Bytes that would favour some letters are left out.
  const fair = 256 - (256 % LETTERS.length);
  const bytes = crypto.getRandomValues(new Uint8Array(LENGTH * 2));
  const letters = [...bytes]
    .filter((byte) => byte < fair)
    .map((byte) => LETTERS[byte % LETTERS.length]);
  return letters.slice(0, LENGTH).join('');
}
