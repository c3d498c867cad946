// Reads a GBNF grammar into its rules, by the syntax of llama.cpp's own parser.
// That one says no more than "failed", and aborts or never ends on some texts, so a text is read
// here first. What a grammar may cost is judged in gbnf-check.ts.
import { GrammarError } from './grammar-rules.js';

export type GbnfElement =
  /** Characters or tokens in a row; `size` counts what llama.cpp keeps of them. */
  | { kind: 'terminal'; size: number }
  | { kind: 'rule'; name: string }
  | { kind: 'group'; alternatives: GbnfElement[][] }
  | { kind: 'repeat'; element: GbnfElement; min: number; max: number };

export type GbnfRules = Map<string, GbnfElement[][]>;

/** llama.cpp calls itself for each level of brackets. */
const MAX_NESTING = 64;
/** llama.cpp's own limit; more than this as the upper bound means no bound to it. */
const MAX_REPEATS = 2_000;

const SPACE = /(?:[ \t]|#[^\r\n]*)*/y;
const SPACE_AND_LINES = /(?:[ \t\r\n]|#[^\r\n]*)*/y;
const NAME = /[a-zA-Z0-9-]+/y;
const CHARACTER = String.raw`\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\[trn\\"[\]-]`;
const IN_QUOTES = new RegExp(`${CHARACTER}|[^\\\\"]`, 'uy');
const IN_CLASS = new RegExp(
  `(?:${CHARACTER}|[^\\\\\\]])(?:-(?!\\])(?:${CHARACTER}|[^\\\\]))?`,
  'uy',
);
const TOKEN = /!?<\[\d{1,9}\]>/y;
const REPEAT = /[*+?]/y;
const OPEN_BRACE = /\{/y;
const INTEGER = /\d+/y;

/** Throws {@link GrammarError} with the line of the first mistake. */
export function parseGbnf(text: string): GbnfRules {
  return new GbnfParser(text).parse();
}

class GbnfParser {
  readonly #text: string;
  #at = 0;
  #nesting = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): GbnfRules {
    if (this.#text.includes('\0')) throw new GrammarError('it holds a NUL character');
    const rules: GbnfRules = new Map();
    this.#take(SPACE_AND_LINES);
    while (this.#at < this.#text.length) {
      const name = this.#take(NAME) ?? this.#fail('the name of a rule');
      this.#take(SPACE);
      if (!this.#skip('::=')) this.#fail(`"::=" after ${name}`);
      this.#take(SPACE_AND_LINES);
      if (rules.has(name)) throw new GrammarError(`it defines the rule ${name} twice`);
      rules.set(name, this.#alternatives(false));
      if (this.#at < this.#text.length && !/[\r\n]/.test(this.#next)) this.#fail('a line break');
      this.#take(SPACE_AND_LINES);
    }
    return rules;
  }

  #alternatives(isNested: boolean): GbnfElement[][] {
    const alternatives = [this.#sequence(isNested)];
    while (this.#skip('|')) {
      this.#take(SPACE_AND_LINES);
      alternatives.push(this.#sequence(isNested));
    }
    return alternatives;
  }

  #sequence(isNested: boolean): GbnfElement[] {
    const elements: GbnfElement[] = [];
    const space = isNested ? SPACE_AND_LINES : SPACE;
    for (;;) {
      const element = this.#element() ?? this.#repeated(elements, space);
      if (!element) return elements;
      elements.push(element);
      this.#take(space);
    }
  }

  #element(): GbnfElement | undefined {
    if (this.#skip('"')) return this.#characters(IN_QUOTES, '"');
    if (this.#skip('[')) {
      this.#skip('^');
      return this.#characters(IN_CLASS, ']');
    }
    if (this.#next === '(') return this.#group();
    if (this.#next === '<' || this.#next === '!') {
      if (this.#take(TOKEN) === undefined) this.#fail('a token as <[id]>');
      return { kind: 'terminal', size: 1 };
    }
    const name = this.#take(NAME);
    if (name !== undefined) return { kind: 'rule', name };
    return this.#skip('.') ? { kind: 'terminal', size: 1 } : undefined;
  }

  #characters(one: RegExp, close: string): GbnfElement {
    let size = 0;
    while (!this.#skip(close)) {
      const taken = this.#take(one) ?? this.#fail(`a character or its escape, or ${close}`);
      size += one === IN_CLASS ? Math.min(2, taken.length) : 1;
    }
    return { kind: 'terminal', size };
  }

  #group(): GbnfElement {
    if (++this.#nesting > MAX_NESTING)
      throw new GrammarError(`its brackets are nested deeper than ${MAX_NESTING} levels`);
    this.#skip('(');
    this.#take(SPACE_AND_LINES);
    const alternatives = this.#alternatives(true);
    if (!this.#skip(')')) this.#fail('")"');
    this.#nesting--;
    return { kind: 'group', alternatives };
  }

  /** Takes the element before out of the sequence and puts its repetition there. */
  #repeated(elements: GbnfElement[], space: RegExp): GbnfElement | undefined {
    const sign = this.#take(REPEAT);
    if (sign === undefined && this.#take(OPEN_BRACE) === undefined) return undefined;
    const element = elements.pop();
    if (!element || sizeOf(element) === 0) return this.#fail('something before a repetition');
    if (repetitionsOf(element) >= MAX_NESTING)
      throw new GrammarError(`it repeats repetitions more than ${MAX_NESTING} times`);
    if (sign === undefined) return { kind: 'repeat', element, ...this.#bounds(space) };
    const [min, max] = SIGNS[sign] as [number, number];
    return { kind: 'repeat', element, min, max };
  }

  #bounds(space: RegExp): { min: number; max: number } {
    const number = (): number | undefined => {
      this.#take(space);
      const digits = this.#take(INTEGER);
      this.#take(space);
      return digits === undefined ? undefined : Number(digits);
    };
    const min = number() ?? this.#fail('a number');
    const hasComma = this.#skip(',');
    const max = hasComma ? (number() ?? Number.POSITIVE_INFINITY) : min;
    if (!this.#skip('}')) this.#fail('"}"');
    if (min > MAX_REPEATS)
      throw new GrammarError(`it repeats ${min} times; at most ${MAX_REPEATS}`);
    if (max < min)
      throw new GrammarError(`it repeats {${min},${max}}: the most is below the least`);
    return { min, max: max > MAX_REPEATS ? Number.POSITIVE_INFINITY : max };
  }

  get #next(): string {
    return this.#text[this.#at] ?? '';
  }

  #skip(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [taken] = pattern.exec(this.#text) ?? [];
    this.#at += taken?.length ?? 0;
    return taken;
  }

  #fail(expected: string): never {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    const found =
      this.#next === '' ? 'the end' : JSON.stringify(this.#text.slice(this.#at, this.#at + 20));
    throw new GrammarError(`line ${line}: found ${found}, expected ${expected}`);
  }
}

const SIGNS: Record<string, [min: number, max: number]> = {
  '*': [0, Number.POSITIVE_INFINITY],
  '+': [1, Number.POSITIVE_INFINITY],
  '?': [0, 1],
};

function repetitionsOf(element: GbnfElement): number {
  let count = 0;
  for (let inner = element; inner.kind === 'repeat'; inner = inner.element) count++;
  return count;
}

/** Copies of the element that llama.cpp makes rules for, beyond the least. */
export function optionalCopies({ min, max }: { min: number; max: number }): number {
  return max === Number.POSITIVE_INFINITY ? 1 : max - min;
}

/** What llama.cpp puts into a rule for an element. */
export function sizeOf(element: GbnfElement): number {
  switch (element.kind) {
    case 'terminal':
      return element.size;
    case 'rule':
    case 'group':
      return 1;
    case 'repeat':
      return element.min * sizeOf(element.element) + Math.min(1, optionalCopies(element));
    default:
      throw new Error(`unknown element ${JSON.stringify(element satisfies never)}`);
  }
}
