// Tokens of texts that may be far too long, without holding up others' answers for as long as they are.
// Tokenising cannot be interrupted, and takes llama.cpp a minute for 800,000 bytes that are not a token:
// a long text is counted in pieces first, and only made into tokens if these may be of use.
// Counts are exact for texts of one piece, and else off by a token or two a piece.
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Some ten ms of tokenising. */
const PIECE_CHARS = 16 << 10;

/** Of what fits: a count may be off, and what may fit is tokenised. */
const USEFUL_PART = 1.25;

/** `tokens` is null where they are so many that they are of no use. */
export type Tokens = {
  length: number;
  tokens: number[] | null;
  /** Of a chat prompt: it ends within `<think>`. */
  opensThinking?: boolean;
};

export type Tokenize = (text: string) => number[];

/** Throws the signal's reason between two pieces. */
export async function tokensWithin(
  room: number,
  text: string,
  tokenize: Tokenize,
  signal: AbortSignal | undefined,
): Promise<Tokens> {
  if (text.length > PIECE_CHARS) {
    const length = await countTokens(text, tokenize, signal);
    if (length > room * USEFUL_PART) return { length, tokens: null };
  }
  const tokens = tokenize(text);
  return { length: tokens.length, tokens };
}

export async function countTokens(
  text: string,
  tokenize: Tokenize,
  signal: AbortSignal | undefined,
): Promise<number> {
  let count = 0;
  for (let start = 0; start < text.length; start += PIECE_CHARS) {
    count += tokenize(text.slice(start, start + PIECE_CHARS)).length;
    await nextTurn();
    signal?.throwIfAborted();
  }
  return count;
}
