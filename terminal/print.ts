// What every command needs of the terminal: its result on stdout and what else it has to say on stderr,
// both safe to print.

/**
 * `text` with the characters that a terminal would obey, or that turn the direction of writing, made
 * visible; newlines stay. For whatever may quote a stranger's file.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
  return text.replaceAll(obeyed, (character) => {
    const code = character.codePointAt(0) as number;
    return `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** For a cell of a table: what a terminal would obey, and what would end the row, is one space. */
export function inOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
}

/** A result on stdout: `text`, made printable, and a newline. */
export function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** Says lines on stderr as `hearth COMMAND: …`, made printable, in the place of a progress line. */
export function noteAs(command: string): (text: string) => void {
  return (text) => {
    clearProgressLine();
    process.stderr.write(`hearth ${command}: ${printable(text)}\n`);
  };
}

/** Over the last one on a terminal; nothing elsewhere, where a file of progress helps nobody. */
export function showProgressLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${CLEAR_LINE}${printable(text)}`);
}

export function clearProgressLine(): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
}

const CLEAR_LINE = '\r\u001b[K';
