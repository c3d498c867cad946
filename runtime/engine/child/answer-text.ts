// What of an answer may be shown: no half character, no start of a stop string, nothing after one.
// Tokens leave together with their text, so that log-probabilities line up with it.
import { TextDecoder, type TokenText } from './token-text.js';

export type ShownToken<Extra> = { tokenId: number; extra: Extra };
export type Shown<Extra> = { text: string; tokens: ShownToken<Extra>[]; stopString?: string };

/** What comes with a token, told that its text is not what it would be alone. */
export type Retext<Extra> = (extra: Extra, text: (alone: string) => string) => Extra;

export class AnswerText<Extra> {
  readonly #decoder: TextDecoder;
  readonly #stops: string[];
  readonly #longestStop: number;
  readonly #retext: Retext<Extra>;
  /** Text not shown yet, and where in it each token ends. */
  #text = '';
  #tokens: (ShownToken<Extra> & { end: number })[] = [];
  #undecoded: ShownToken<Extra>[] = [];
  #trimStart: boolean;

  /** `trimStart` drops the space before a sentencepiece answer's first word. */
  constructor(
    tokenText: TokenText,
    stops: string[],
    options: { trimStart: boolean; retext: Retext<Extra> },
  ) {
    this.#retext = options.retext;
    this.#decoder = new TextDecoder(tokenText);
    this.#stops = stops.filter((stop) => stop !== '');
    this.#longestStop = Math.max(0, ...this.#stops.map((stop) => stop.length));
    this.#trimStart = options.trimStart;
  }

  push(tokenId: number, extra: Extra): Shown<Extra> {
    this.#undecoded.push({ tokenId, extra });
    const text = this.#decoder.push(tokenId);
    return text === undefined ? { text: '', tokens: [] } : this.#append(text);
  }

  flush(): Shown<Extra> {
    const shown = this.#append(this.#decoder.flush());
    if (shown.stopString !== undefined) return shown;
    const rest = this.#show(this.#text.length);
    return { text: shown.text + rest.text, tokens: [...shown.tokens, ...rest.tokens] };
  }

  #append(text: string): Shown<Extra> {
    const searchFrom = Math.max(0, this.#text.length - this.#longestStop + 1);
    const trims = this.#trimStart && text.startsWith(' ');
    this.#fitTokens(text, trims);
    this.#text += trims ? text.slice(1) : text;
    if (text !== '') this.#trimStart = false;
    for (const token of this.#undecoded) this.#tokens.push({ ...token, end: this.#text.length });
    this.#undecoded = [];
    const stop = this.#findStop(searchFrom);
    if (!stop) return this.#show(this.#text.length - this.#heldLength());
    const shown = this.#show(stop.index, { partly: true });
    return { ...shown, stopString: stop.text };
  }

  /** So that the tokens' texts are the answer's: of a character's bytes, the last has all of it. */
  #fitTokens(text: string, trims: boolean): void {
    const [first] = this.#undecoded;
    const last = this.#undecoded.length - 1;
    if (last > 0)
      this.#undecoded.forEach((token, i) => {
        token.extra = this.#retext(token.extra, () => (i < last ? '' : text));
      });
    if (trims && first) first.extra = this.#retext(first.extra, (alone) => alone.replace(/^ /, ''));
  }

  #findStop(from: number): { index: number; text: string } | undefined {
    let first: { index: number; text: string } | undefined;
    for (const text of this.#stops) {
      const index = this.#text.indexOf(text, from);
      if (index >= 0 && (!first || index < first.index)) first = { index, text };
    }
    return first;
  }

  /** Length of the longest end of the text with which a stop string starts. */
  #heldLength(): number {
    for (let length = Math.min(this.#longestStop - 1, this.#text.length); length > 0; length--) {
      const end = this.#text.slice(-length);
      if (this.#stops.some((stop) => stop.length > length && stop.startsWith(end))) return length;
    }
    return 0;
  }

  /** Takes the first `length` characters and their tokens; `partly` also those cut at the end. */
  #show(length: number, options: { partly?: boolean } = {}): Shown<Extra> {
    const text = this.#text.slice(0, length);
    let count = 0;
    for (let start = 0; count < this.#tokens.length; count++) {
      const { end } = this.#tokens[count] as { end: number };
      if (end > length && !(options.partly && start < length)) break;
      start = end;
    }
    const tokens = this.#tokens.splice(0, count).map(({ tokenId, extra }) => ({ tokenId, extra }));
    this.#text = this.#text.slice(length);
    for (const token of this.#tokens) token.end -= length;
    return { text, tokens };
  }
}
