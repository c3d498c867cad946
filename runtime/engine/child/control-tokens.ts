// Tokens of a text in which some control tokens count and others are mere text.
// The same partition as llama.cpp's tokenizer, longest token first, so that a harmless text gets
// exactly the tokens that it would get whole; text that a guard covers never becomes control.
import type { NativeModel } from '../../../llama/node-llama-internals.js';

const ATTRIBUTE = { unknown: 1, control: 8, lstrip: 128, rstrip: 256 } as const;

type ControlToken = { tokenId: number; text: string; lstrip: boolean; rstrip: boolean };

/** Guards are characters that no text in use holds. */
const FIRST_GUARD = 0xe000;
const LAST_GUARD = 0xf8ff;

export class ControlTokens {
  readonly #model: NativeModel;
  readonly #tokens: ControlToken[];

  constructor(model: NativeModel, nVocab: number) {
    this.#model = model;
    this.#tokens = findControlTokens(model, nVocab);
  }

  /** A private-use character that none of the texts holds. */
  chooseGuard(texts: Iterable<string>): string {
    const used = new Set<string>();
    for (const text of texts)
      for (const [character] of text.matchAll(/[\uE000-\uF8FF]/g)) used.add(character);
    for (let code = FIRST_GUARD; code <= LAST_GUARD; code++)
      if (!used.has(String.fromCharCode(code))) return String.fromCharCode(code);
    throw new RangeError('the messages hold every private-use character of Unicode');
  }

  /**
   * The text with `guard` inside whatever would read as a control token, also together with
   * what a template puts before or after it.
   */
  guardText(text: string, guard: string): string {
    let guarded = text;
    for (const { text: token } of this.#tokens)
      if (guarded.includes(token))
        guarded = guarded.replaceAll(token, token.slice(0, 1) + guard + token.slice(1));
    if (this.#tokens.some(({ text: token }) => endsWithStart(guarded, token))) guarded += guard;
    if (this.#tokens.some(({ text: token }) => startsWithEnd(guarded, token)))
      guarded = guard + guarded;
    return guarded;
  }

  /** The tokens of a text that may hold guards; these are dropped. No bos is added. */
  tokenize(text: string, guard: string | undefined): number[] {
    const fragments = this.#partition(text);
    return fragments.flatMap((fragment) => {
      if (typeof fragment === 'number') return [fragment];
      const plain = guard === undefined ? fragment : fragment.replaceAll(guard, '');
      return plain === '' ? [] : Array.from(this.#model.tokenize(plain, false));
    });
  }

  #partition(text: string): (string | number)[] {
    let fragments: (string | number)[] = [text];
    for (const token of this.#tokens)
      if (text.includes(token.text))
        fragments = fragments.flatMap((fragment) =>
          typeof fragment === 'string' ? splitAt(fragment, token) : [fragment],
        );
    return fragments.filter((fragment) => fragment !== '');
  }
}

function findControlTokens(model: NativeModel, nVocab: number): ControlToken[] {
  const tokens: ControlToken[] = [];
  for (let tokenId = 0; tokenId < nVocab; tokenId++) {
    const attributes = model.getTokenAttributes(tokenId);
    if ((attributes & (ATTRIBUTE.control | ATTRIBUTE.unknown)) === 0) continue;
    tokens.push({
      tokenId,
      text: model.getTokenString(tokenId),
      lstrip: (attributes & ATTRIBUTE.lstrip) !== 0,
      rstrip: (attributes & ATTRIBUTE.rstrip) !== 0,
    });
  }
  return tokens
    .filter((token) => token.text !== '')
    .sort((a, b) => Buffer.byteLength(b.text) - Buffer.byteLength(a.text));
}

function splitAt(fragment: string, token: ControlToken): (string | number)[] {
  const parts = fragment.split(token.text);
  return parts.flatMap((part, index) => {
    let kept = part;
    if (token.rstrip && index > 0) kept = kept.replace(/^[ \t\n\v\f\r]+/, '');
    if (token.lstrip && index < parts.length - 1) kept = withoutEndingSpace(kept);
    return index === 0 ? [kept] : [token.tokenId, kept];
  });
}

/** By hand: a regular expression tries anew from each of a million spaces before a letter. */
function withoutEndingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && ' \t\n\v\f\r'.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

function endsWithStart(text: string, token: string): boolean {
  for (let length = Math.min(token.length - 1, text.length); length > 0; length--)
    if (text.endsWith(token.slice(0, length))) return true;
  return false;
}

function startsWithEnd(text: string, token: string): boolean {
  for (let length = Math.min(token.length - 1, text.length); length > 0; length--)
    if (text.startsWith(token.slice(-length))) return true;
  return false;
}
