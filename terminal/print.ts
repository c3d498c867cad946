// What every command needs of the terminal: its result on stdout and what else it has to say on stderr,
// both safe to print.
import { printable } from './foreign-text.js';

/** A result on stdout: text, or an object as JSON; made printable, and a newline. */
export function print(result: string | object): void {
  const text = typeof result === 'string' ? result : JSON.stringify(result, null, 2);
  process.stdout.write(`${printable(text)}\n`);
}

/** For programs: all fields in `value` by names in snake_case, as in GGUF and SQL. */
export function snakeCase(value: object): Record<string, unknown> {
  const spell = (name: string) =>
    name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [spell(name), inSnakeCase(field)]),
  );
}

function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase);
  return typeof value === 'object' && value !== null ? snakeCase(value) : value;
}

/** Says lines on stderr as `hearth COMMAND: …`, made printable, in the place of a progress line. */
export function noteAs(command: string): (text: string) => void {
  return (text) => {
    clearProgressLine();
    process.stderr.write(`hearth ${command}: ${printable(text)}\n`);
  };
}

/** Elsewhere than on a terminal, long work tells this often that it goes on. */
const PLAIN_PROGRESS_MS = 5000;

let plainProgress: { text: string; timer: NodeJS.Timeout } | null = null;

/** Over the last one on a terminal; elsewhere the latest one every few seconds, until it is cleared. */
export function showProgressLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${CLEAR_LINE}${printable(text)}`);
  else if (plainProgress) plainProgress.text = text;
  else plainProgress = { text, timer: setInterval(tellProgress, PLAIN_PROGRESS_MS).unref() };
}

function tellProgress(): void {
  if (plainProgress) process.stderr.write(`${printable(plainProgress.text)}\n`);
}

export function clearProgressLine(): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
  clearInterval(plainProgress?.timer);
  plainProgress = null;
}

const CLEAR_LINE = '\r\u001b[K';
