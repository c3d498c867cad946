// Reads a regular expression, as JSON schema's `pattern` has them, into what a grammar can say too.
// ESLint's parser reads the text; here its tree becomes ours. A grammar writes from left to right and never
// looks back: what depends on the text around it is refused by its name.
import { type AST, RegExpParser } from '@eslint-community/regexpp';
import { type CodePoints, codePoints, others } from './code-points.js';
import { GrammarError } from './grammar-rules.js';

export type PatternNode =
  | { kind: 'char'; points: CodePoints }
  | { kind: 'anchor'; at: 'start' | 'end' }
  | { kind: 'choice'; alternatives: PatternNode[][] }
  | { kind: 'repeat'; node: PatternNode; min: number; max: number };

const MAX_CHARS = 4_096;
const MAX_NESTING = 64;
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
const CLASSES = { any: others(LINE_ENDS), digit: DIGITS, space: SPACES, word: WORD };

/** What opens and closes groups, or hides such signs: escapes and classes. */
const BRACKETS = /\\.|\[(?:\\.|[^\\\]])*|[()]/gs;

/** Throws {@link GrammarError} that names what a grammar cannot keep. `place` leads its message. */
export function parsePattern(text: string, place: string): PatternNode[][] {
  if (text.length > MAX_CHARS)
    throw new GrammarError(
      `${place} has ${text.length} characters; at most ${MAX_CHARS} are taken`,
    );
  const reader = new PatternReader(place);
  // Before it is parsed: the parser calls itself for every group.
  if (nesting(text) > MAX_NESTING) reader.refuse(`more than ${MAX_NESTING} levels of brackets`);
  return reader.alternatives(parsed(text, place));
}

function nesting(text: string): number {
  let [level, deepest] = [0, 0];
  for (const [sign] of text.matchAll(BRACKETS)) {
    if (sign === '(') deepest = Math.max(deepest, ++level);
    if (sign === ')') level--;
  }
  return deepest;
}

/** As validators read it, or else as other languages write it. */
function parsed(text: string, place: string): AST.Pattern {
  const parser = new RegExpParser();
  try {
    return parser.parsePattern(text, 0, text.length, { unicode: true });
  } catch {
    try {
      return parser.parsePattern(text, 0, text.length, { unicode: false });
    } catch (error) {
      throw new GrammarError(`${place} cannot be read: ${(error as Error).message}`);
    }
  }
}

class PatternReader {
  readonly #place: string;

  constructor(place: string) {
    this.#place = place;
  }

  alternatives({ alternatives }: { alternatives: AST.Alternative[] }): PatternNode[][] {
    return alternatives.map(({ elements }) =>
      wholeCharacters(elements).map((element) => this.#node(element)),
    );
  }

  refuse(what: string): never {
    throw new GrammarError(`${this.#place} has ${what}, which is not supported`);
  }

  #node(node: AST.Element): PatternNode {
    switch (node.type) {
      case 'Character':
      case 'CharacterSet':
        return { kind: 'char', points: this.#points(node) };
      case 'CharacterClass':
        return { kind: 'char', points: this.#class(node) };
      case 'Group':
        if (node.modifiers) this.refuse(`a group with flags "(?${node.modifiers.raw}:"`);
        return { kind: 'choice', alternatives: this.alternatives(node) };
      case 'CapturingGroup':
        return { kind: 'choice', alternatives: this.alternatives(node) };
      case 'Quantifier':
        return this.#repeat(node);
      case 'Assertion':
        return this.#anchor(node);
      case 'Backreference':
        return this.refuse(`a back reference "${node.raw}"`);
      // Only with a flag that is not given.
      default:
        return this.refuse(`"${node.raw}"`);
    }
  }

  #anchor(node: AST.Assertion): PatternNode {
    switch (node.kind) {
      case 'start':
      case 'end':
        return { kind: 'anchor', at: node.kind };
      case 'word':
        return this.refuse(`a word boundary "${node.raw}"`);
      case 'lookahead':
        return this.refuse(`a lookahead "${node.raw.slice(0, '(?='.length)}"`);
      case 'lookbehind':
        return this.refuse(`a lookbehind "${node.raw.slice(0, '(?<='.length)}"`);
      default:
        throw new Error(`unknown assertion ${JSON.stringify(node satisfies never)}`);
    }
  }

  #repeat({ element, min, max, raw }: AST.Quantifier): PatternNode {
    if (Math.max(min, max === Number.POSITIVE_INFINITY ? 0 : max) > MAX_REPEATS)
      this.refuse(`more than ${MAX_REPEATS} repetitions "${raw.slice(element.raw.length)}"`);
    return { kind: 'repeat', node: this.#node(element), min, max };
  }

  #class({ elements, negate }: AST.CharacterClass): CodePoints {
    const points = codePoints(wholeCharacters(elements).flatMap((one) => this.#points(one)));
    return negate ? others(points) : points;
  }

  #points(node: AST.CharacterClassElement | AST.CharacterSet): CodePoints {
    switch (node.type) {
      case 'Character': {
        const point = this.#point(node);
        return [[point, point]];
      }
      case 'CharacterClassRange':
        return [[this.#point(node.min), this.#point(node.max)]];
      case 'CharacterSet':
        if (node.kind === 'property') return this.#property(node.raw);
        return node.kind !== 'any' && node.negate ? others(CLASSES[node.kind]) : CLASSES[node.kind];
      // Only with a flag that is not given.
      default:
        return this.refuse(`"${node.raw}"`);
    }
  }

  #point({ value, raw }: AST.Character): number {
    if (isHighHalf(value) || isLowHalf(value)) this.refuse('half a surrogate pair');
    // Without `unicode`, these are letters and octal numbers, which nobody means who writes them.
    if (/^\\[pP]$/.test(raw)) this.#property(raw);
    if (/^\\(k$|[1-9])/.test(raw)) this.refuse(`a back reference "${raw}"`);
    if (raw === '\\') this.refuse('an escape "\\c" without a letter');
    if (/^\\[a-zA-Z]$/.test(raw) && value === raw.charCodeAt(1)) this.refuse(`an escape "${raw}"`);
    return value;
  }

  #property(raw: string): never {
    return this.refuse(`a Unicode property "${raw.slice(0, 2)}"`);
  }
}

/** Without `unicode`, the parser gives a pair as two characters. */
function wholeCharacters<T extends AST.Node>(nodes: T[]): T[] {
  return nodes.filter((node, i) => {
    const next = nodes[i + 1];
    const low = next?.type === 'Quantifier' ? next.element : next;
    if (node.type !== 'Character' || low?.type !== 'Character') return true;
    if (!isHighHalf(node.value) || !isLowHalf(low.value)) return true;
    low.value = ((node.value - 0xd8_00) << 10) + low.value - 0xdc_00 + 0x1_00_00;
    return false;
  });
}

function isHighHalf(value: number): boolean {
  return value >= 0xd8_00 && value <= 0xdb_ff;
}

function isLowHalf(value: number): boolean {
  return value >= 0xdc_00 && value <= 0xdf_ff;
}
