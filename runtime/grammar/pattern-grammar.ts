// A regular expression as an expression of a GBNF grammar: the JSON strings whose value it finds.
// JSON schema searches, so where the expression is not anchored any text may stand before or behind.
// Both are regular, and most of the one is the other's with other signs.
import { escapedChar, inJsonString } from './code-points.js';
import { GrammarError, type GrammarRules, literal } from './grammar-rules.js';
import { type PatternNode, parsePattern } from './pattern-parser.js';

export type PatternGrammar = {
  /** What stands between the quotes. */
  expression: string;
  /** The fewest and the most characters of a value. */
  minLength: number;
  maxLength: number;
};

/** Throws {@link GrammarError} that names what a grammar cannot keep. `place` leads its message. */
export function patternGrammar(rules: GrammarRules, text: string, place: string): PatternGrammar {
  const alternatives = parsePattern(text, place).flatMap(unwrapped);
  const filler = `${rules.json('char')}*`;
  const whole = alternatives.map((sequence) => {
    const [start, end] = [isAnchor(sequence[0], 'start'), isAnchor(sequence.at(-1), 'end')];
    const inside = sequence.slice(start ? 1 : 0, end ? -1 : undefined);
    const length = lengthOf(inside);
    const parts = [start ? '' : filler, written(inside, place), end ? '' : filler];
    return {
      expression: parts.filter(Boolean).join(' ') || '""',
      minLength: length.min,
      maxLength: start && end ? length.max : Number.POSITIVE_INFINITY,
    };
  });
  return {
    expression: rules.add(whole.map(({ expression }) => expression).join(' | ')),
    minLength: Math.min(...whole.map(({ minLength }) => minLength)),
    maxLength: Math.max(...whole.map(({ maxLength }) => maxLength)),
  };
}

/** `(^a$|^b$)` is `^a$|^b$`, whose anchors are at the ends. */
function unwrapped(sequence: PatternNode[]): PatternNode[][] {
  const [only] = sequence;
  if (sequence.length !== 1 || only?.kind !== 'choice') return [sequence];
  return only.alternatives.flatMap(unwrapped);
}

function isAnchor(node: PatternNode | undefined, at: 'start' | 'end'): boolean {
  return node?.kind === 'anchor' && node.at === at;
}

/** Characters that stand side by side become one literal. */
function written(sequence: PatternNode[], place: string): string {
  const parts: string[] = [];
  let text = '';
  for (const node of sequence) {
    const point = onlyPoint(node);
    if (point !== null) {
      text += escapedChar(point);
      continue;
    }
    if (text !== '') parts.push(literal(text));
    text = '';
    parts.push(writtenNode(node, place));
  }
  return [...parts, ...(text === '' ? [] : [literal(text)])].join(' ');
}

function onlyPoint(node: PatternNode): number | null {
  if (node.kind !== 'char' || node.points.length !== 1) return null;
  const [first, last] = node.points[0] as readonly [number, number];
  const isHalf = first >= 0xd8_00 && first <= 0xdf_ff;
  return first === last && !isHalf ? first : null;
}

/** One element, that can be repeated as it stands. */
function writtenNode(node: PatternNode, place: string): string {
  switch (node.kind) {
    case 'char': {
      const point = onlyPoint(node);
      if (point !== null) return literal(escapedChar(point));
      const expression = inJsonString(node.points);
      if (expression !== null) return expression;
      throw new GrammarError(`${place} has a class of no character, which is not supported`);
    }
    case 'anchor':
      throw new GrammarError(
        `${place} has "${node.at === 'start' ? '^' : '$'}" inside, which is not supported; only at its ends`,
      );
    case 'choice':
      return `(${node.alternatives.map((one) => written(one, place) || '""').join(' | ')})`;
    case 'repeat':
      return writtenRepeat(node, place);
    default:
      throw new Error(`unknown node ${JSON.stringify(node satisfies never)}`);
  }
}

function writtenRepeat(
  { node, min, max }: Extract<PatternNode, { kind: 'repeat' }>,
  place: string,
): string {
  const isEndless = max === Number.POSITIVE_INFINITY;
  if (isEndless && lengthOf([node]).min === 0)
    throw new GrammarError(
      `${place} repeats without end what can be empty, which is not supported`,
    );
  return `${writtenNode(node, place)}{${min},${isEndless ? '' : max}}`;
}

type Length = { min: number; max: number };

function lengthOf(sequence: readonly PatternNode[]): Length {
  return sequence.map(nodeLength).reduce((a, b) => ({ min: a.min + b.min, max: a.max + b.max }), {
    min: 0,
    max: 0,
  });
}

function nodeLength(node: PatternNode): Length {
  switch (node.kind) {
    case 'char':
      return { min: 1, max: 1 };
    case 'anchor':
      return { min: 0, max: 0 };
    case 'choice': {
      const lengths = node.alternatives.map(lengthOf);
      return {
        min: Math.min(...lengths.map(({ min }) => min)),
        max: Math.max(...lengths.map(({ max }) => max)),
      };
    }
    case 'repeat': {
      const { min, max } = nodeLength(node.node);
      return { min: min * node.min, max: max === 0 || node.max === 0 ? 0 : max * node.max };
    }
    default:
      throw new Error(`unknown node ${JSON.stringify(node satisfies never)}`);
  }
}
