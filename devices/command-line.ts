// What every command needs of the terminal: text that is safe to print there, and Ctrl-C that ends
// the work in order. Here because all folders may import from devices/ alone.
// Defines no command and prints nothing.

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
