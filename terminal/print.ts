// What every command needs of the terminal: its result on stdout and what else it has to say on stderr,
// both safe to print.
import { printable } from './foreign-text.js';

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
