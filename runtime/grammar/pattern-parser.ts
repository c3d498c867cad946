// Reads a regular expression, as JSON schema's `pattern` has them, into what a grammar can say too.
// A grammar writes from left to right and never looks back: what depends on the text around it is refused
// by its name. JavaScript's own parser has found the expression to be well-formed before.
import { type CodePoints, codePoints, others } from './code-points.js';
import { GrammarError } from './grammar-rules.js';

export type PatternNode =
  | { kind: 'char'; points: CodePoints }
  | { kind: 'anchor'; at: 'start' | 'end' }
  | { kind: 'choice'; alternatives: PatternNode[][] }
  | { kind: 'repeat'; node: PatternNode; min: number; max: number };

const MAX_CHARS = 4_096;
const MAX_NESTING = 64;
const LAST_POINT = 0x10_ff_ff;
/** llama.cpp refuses more repetitions than this. */
const MAX_REPEATS = 2_000;

const DIGITS = codePoints([[0x30, 0x39]]);
const WORD = codePoints([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
const LINE_ENDS = codePoints([
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x20_28, 0x20_29],
]);
const SPACES = codePoints([
  ...LINE_ENDS,
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x16_80, 0x16_80],
  [0x20_00, 0x20_0a],
  [0x20_2f, 0x20_2f],
  [0x20_5f, 0x20_5f],
  [0x30_00, 0x30_00],
  [0xfe_ff, 0xfe_ff],
]);
const CLASSES: Record<string, CodePoints> = {
  d: DIGITS,
  w: WORD,
  s: SPACES,
  D: others(DIGITS),
  W: others(WORD),
  S: others(SPACES),
};
const CONTROLS: Record<string, number> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };

type Times = [min: number, max: number];
const ENDLESS = Number.POSITIVE_INFINITY;
const SIGNS: Record<string, Times> = { '*': [0, ENDLESS], '+': [1, ENDLESS], '?': [0, 1] };

const HEX = /x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})/y;
const LOW_HALF = /\\u([dD][c-fC-F][0-9a-fA-F]{2})/y;
const CONTROL_LETTER = /c([a-zA-Z])/y;
const QUANTIFIER = /([*+?]|\{(\d+)(,(\d*))?\})\??/y;
const NAMED_GROUP = /\?<[^=!][^>]*>/y;

/** Throws {@link GrammarError} that names what a grammar cannot keep. `place` leads its message. */
export function parsePattern(text: string, place: string): PatternNode[][] {
  if (text.length > MAX_CHARS)
    throw new GrammarError(
      `${place} has ${text.length} characters; at most ${MAX_CHARS} are taken`,
    );
  checkSyntax(text, place);
  return new PatternParser(text, place).parse();
}

/** As validators read it, or else as other languages write it. */
function checkSyntax(text: string, place: string): void {
  try {
    new RegExp(text, 'u');
  } catch {
    try {
      new RegExp(text);
    } catch (error) {
      throw new GrammarError(`${place} cannot be read: ${(error as Error).message}`);
    }
  }
}

class PatternParser {
  readonly #text: string;
  readonly #place: string;
  #at = 0;
  #nesting = 0;

  constructor(text: string, place: string) {
    this.#text = text;
    this.#place = place;
  }

  parse(): PatternNode[][] {
    const alternatives = this.#alternatives();
    if (this.#at < this.#text.length) this.#refuse(`"${this.#text[this.#at]}" by itself`);
    return alternatives;
  }

  #alternatives(): PatternNode[][] {
    if (++this.#nesting > MAX_NESTING) this.#refuse(`more than ${MAX_NESTING} levels of brackets`);
    const alternatives: PatternNode[][] = [[]];
    while (this.#at < this.#text.length && this.#text[this.#at] !== ')') {
      if (this.#skip('|')) alternatives.push([]);
      else alternatives.at(-1)?.push(this.#repeated(this.#node()));
    }
    this.#nesting--;
    return alternatives;
  }

  #node(): PatternNode {
    if (this.#skip('^')) return { kind: 'anchor', at: 'start' };
    if (this.#skip('$')) return { kind: 'anchor', at: 'end' };
    if (this.#skip('(')) return this.#group();
    if (this.#skip('[')) return { kind: 'char', points: this.#class() };
    if (this.#skip('.')) return { kind: 'char', points: others(LINE_ENDS) };
    if (this.#skip('\\')) return { kind: 'char', points: this.#escape(false) };
    return { kind: 'char', points: single(this.#char()) };
  }

  #group(): PatternNode {
    for (const [start, name] of [
      ['?=', 'a lookahead'],
      ['?!', 'a lookahead'],
      ['?<=', 'a lookbehind'],
      ['?<!', 'a lookbehind'],
    ] as const)
      if (this.#text.startsWith(start, this.#at)) this.#refuse(`${name} "(${start}"`);
    const isPlain = this.#skip('?:') || this.#match(NAMED_GROUP) !== null;
    if (!isPlain && this.#text[this.#at] === '?') this.#refuse('a group with flags "(?"');
    const alternatives = this.#alternatives();
    if (!this.#skip(')')) this.#refuse('a group without its end');
    return { kind: 'choice', alternatives };
  }

  #repeated(node: PatternNode): PatternNode {
    const found = this.#match(QUANTIFIER);
    if (!found) return node;
    if (node.kind === 'anchor') this.#refuse(`a repeated "${node.at === 'start' ? '^' : '$'}"`);
    const [, sign, least, range, most] = found;
    const counted: Times = [Number(least), bound(Number(least), range, most)];
    const [min, max] = SIGNS[sign as string] ?? counted;
    if (Math.max(min, max === ENDLESS ? 0 : max) > MAX_REPEATS)
      this.#refuse(`more than ${MAX_REPEATS} repetitions "${sign}"`);
    return { kind: 'repeat', node, min, max };
  }

  #class(): CodePoints {
    const isNegated = this.#skip('^');
    const ranges: [number, number][] = [];
    while (!this.#skip(']')) {
      const first = this.#classAtom();
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']';
      const from = isRange ? onlyOne(first) : null;
      if (from === null) {
        ranges.push(...(first as [number, number][]));
        continue;
      }
      this.#at++;
      const last = this.#classAtom();
      const to = onlyOne(last);
      // `[a-\d]`, which only older expressions may have: three things, not a range.
      if (to === null) ranges.push([from, from], [0x2d, 0x2d], ...(last as [number, number][]));
      else ranges.push([from, to]);
    }
    const points = codePoints(ranges);
    return isNegated ? others(points) : points;
  }

  #classAtom(): CodePoints {
    if (this.#at >= this.#text.length) this.#refuse('a class without its end');
    return this.#skip('\\') ? this.#escape(true) : single(this.#char());
  }

  #escape(inClass: boolean): CodePoints {
    const hex = this.#match(HEX);
    if (hex) return single(this.#wholePoint(Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '', 16)));
    const control = this.#match(CONTROL_LETTER);
    if (control) return single((control[1] as string).charCodeAt(0) % 32);
    const letter = this.#char();
    const name = String.fromCodePoint(letter);
    if (CLASSES[name]) return CLASSES[name];
    if (name in CONTROLS) return single(CONTROLS[name] as number);
    if (inClass && name === 'b') return single(8);
    if (name === 'c') this.#refuse('an escape "\\c" without a letter');
    if (name === 'b' || name === 'B') this.#refuse(`a word boundary "\\${name}"`);
    if (name === 'p' || name === 'P') this.#refuse(`a Unicode property "\\${name}"`);
    if (/[1-9k]/.test(name)) this.#refuse(`a back reference "\\${name}"`);
    return single(letter);
  }

  /** Of a pair that is written as two escapes. */
  #wholePoint(high: number): number {
    if (high > LAST_POINT) this.#refuse('a character beyond the last');
    if (high < 0xd8_00 || high > 0xdb_ff) return high;
    const low = this.#match(LOW_HALF);
    if (!low) this.#refuse('half a surrogate pair');
    return ((high - 0xd8_00) << 10) + Number.parseInt(low[1] as string, 16) - 0xdc_00 + 0x1_00_00;
  }

  #char(): number {
    const point = this.#text.codePointAt(this.#at) as number;
    this.#at += point > 0xff_ff ? 2 : 1;
    return point;
  }

  #skip(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text);
    if (found) this.#at += found[0].length;
    return found;
  }

  #refuse(what: string): never {
    throw new GrammarError(`${this.#place} has ${what}, which is not supported`);
  }
}

function single(point: number): CodePoints {
  return [[point, point]];
}

function onlyOne([range, ...more]: CodePoints): number | null {
  return range && more.length === 0 && range[0] === range[1] ? range[0] : null;
}

/** `{3}`, `{3,}` or `{3,5}`. */
function bound(least: number, range: string | undefined, most: string | undefined): number {
  if (range === undefined) return least;
  return most === '' ? ENDLESS : Number(most);
}
