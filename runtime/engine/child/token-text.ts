// The text of tokens within a text: spaces as they stand, bytes joined to characters.
// llama.cpp strips the space of a text's first token, so every piece is read after an anchor.
// Control tokens have no text here.
import type { NativeModel } from '../../../llama/node-llama-internals.js';

/** Stands for bytes that are not a character (yet). */
const REPLACEMENT = '\uFFFD';

/** Tokens that can lack a character's end: UTF-8 has at most three bytes before the last. */
const MAX_PARTIAL_TOKENS = 4;

export class TokenText {
  readonly #model: NativeModel;
  readonly #anchorId: number;
  readonly #anchorText: string;
  readonly #pieces = new Map<number, string>();

  constructor(model: NativeModel) {
    this.#model = model;
    this.#anchorId = model.tokenize('a', false).at(-1) ?? 0;
    this.#anchorText = model.detokenize(Uint32Array.of(this.#anchorId), false);
  }

  /** The text of one token; holds U+FFFD where it is part of a character. */
  piece(tokenId: number): string {
    let piece = this.#pieces.get(tokenId);
    if (piece === undefined) {
      piece = this.join([tokenId]);
      this.#pieces.set(tokenId, piece);
    }
    return piece;
  }

  join(tokenIds: number[], options: { special?: boolean } = {}): string {
    const tokens = Uint32Array.of(this.#anchorId, ...tokenIds);
    return this.#model.detokenize(tokens, options.special ?? false).slice(this.#anchorText.length);
  }
}

/** Turns tokens to text as they come, and keeps back a character that is not whole. */
export class TextDecoder {
  readonly #tokenText: TokenText;
  #partial: number[] = [];

  constructor(tokenText: TokenText) {
    this.#tokenText = tokenText;
  }

  /** The text that is whole now; undefined while a character lacks bytes. */
  push(tokenId: number): string | undefined {
    if (this.#partial.length === 0) {
      const piece = this.#tokenText.piece(tokenId);
      if (!piece.endsWith(REPLACEMENT)) return piece;
    }
    this.#partial.push(tokenId);
    const joined = this.#tokenText.join(this.#partial);
    if (joined.endsWith(REPLACEMENT) && this.#partial.length < MAX_PARTIAL_TOKENS) return undefined;
    this.#partial = [];
    return joined;
  }

  flush(): string {
    const rest = this.#partial.length > 0 ? this.#tokenText.join(this.#partial) : '';
    this.#partial = [];
    return rest;
  }
}
