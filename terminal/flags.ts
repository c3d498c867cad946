// How option values are read from the command line, the environment and a config file alike.
// All three hand over texts, numbers or lists; each reader takes one value and names what is wrong.
import { parseDuration } from './units.js';

type Given = string | number | boolean | (string | number)[] | undefined;

/** Makes a yargs `coerce`, which is handed a list when an option is given twice. */
export function one<T>(read: (text: string) => T): (value: Given) => T | undefined {
  return (value) => {
    if (value === undefined) return undefined;
    if (Array.isArray(value)) throw new Error(`given twice: ${value.join(' and ')}`);
    return read(String(value));
  };
}

/**
 * An option of one value, and what else yargs is told of it. Its type is text to yargs, which would make
 * NaN of a wrong number.
 */
export function valueFlag<T, const More extends object = object>(
  describe: string,
  read: (text: string) => T,
  more = {} as More,
) {
  return { describe, type: 'string', requiresArg: true, coerce: one(read), ...more } as const;
}

/** For options that may be given several times. */
export function many<T>(read: (text: string) => T): (value: Given) => T[] {
  return (value) => (value === undefined ? [] : [value].flat().map((item) => read(String(item))));
}

type NumberReader = (name: string, min: number, max: number) => (text: string) => number;

export const wholeNumber = numberReader('whole number', /^\d+$/);
/** With or without a fraction. */
export const number = numberReader('number', /^\d*\.?\d+$/);

function numberReader(what: string, pattern: RegExp): NumberReader {
  return (name, min, max) => (text) => {
    const value = Number(text);
    if (pattern.test(text) && value >= min && value <= max) return value;
    throw new Error(`--${name} takes a ${what} from ${min} to ${max}, not "${text}"`);
  };
}

export function text(name: string): (text: string) => string {
  return (value) => {
    if (value !== '') return value;
    throw new Error(`--${name} is empty`);
  };
}

/** `90s`, `5m` or plain seconds, in ms, as `hearth log --since` has them; 0 where that means none. */
export function duration(name: string, { allowsNone = false } = {}): (text: string) => number {
  return (text) => {
    const ms = parseDuration(/^\d+(\.\d+)?$/.test(text) ? `${text}s` : text);
    if (ms !== null && (ms > 0 || allowsNone) && ms < 2 ** 31) return ms;
    throw new Error(`--${name} takes a time such as 90s or 5m, not "${text}"`);
  };
}
