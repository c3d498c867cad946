// Reads an option that is a time, in the words that `hearth log --since` takes, too.
import { parseDuration } from '../log/since.js';

/** `90s`, `5m` or plain seconds, in ms. */
export function duration(name: string): (text: string) => number {
  return (text) => {
    const ms = parseDuration(/^\d+(\.\d+)?$/.test(text) ? `${text}s` : text);
    if (ms !== null && ms > 0 && ms < 2 ** 31) return ms;
    throw new Error(`--${name} takes a time such as 90s or 5m, not "${text}"`);
  };
}
