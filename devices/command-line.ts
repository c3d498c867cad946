// What every command needs of the command line: options given once, numbers that are numbers, and
// Ctrl-C that ends the work in order. Here because all folders may import from devices/ alone.
// Defines no command and prints nothing.

/** A `coerce` for yargs, which hands over a list when an option is given twice. */
export function one<T>(
  read: (text: string) => T,
): (value: string | string[] | undefined) => T | undefined {
  return (value) => {
    if (value === undefined) return undefined;
    if (Array.isArray(value)) throw new Error(`given twice: ${value.join(' and ')}`);
    return read(value);
  };
}

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

/** The whole number above 0 in `text`; `option` names it in the error. */
export function parsePositive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`${option} takes a whole number above 0, not "${text}"`);
}

/**
 * Runs `work` until it is done or Ctrl-C (or SIGTERM) aborts its signal; the exit code is then 130.
 * A second Ctrl-C ends the process at once.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const interrupt = () => {
    process.exitCode = 130;
    stop.abort();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
