// What each kind of tokenizer is turned into before it becomes the pairs of a GGUF.
// One form for all kinds, so that the special tokens and the pairs are written in one place.
// Types alone.
import type { TokenRows } from './token-rows.js';

export type Vocabulary = {
  /** `llama` is sentencepiece's BPE by scores, `gpt2` byte-level BPE by merges. */
  model: 'llama' | 'gpt2';
  /** llama.cpp's name of the expression that splits text into words. */
  pre: string;
  rows: TokenRows;
  /** Left and right part separated by a space, best first. */
  merges: string[] | null;
  /** Whether text gets a space in front; null leaves it to llama.cpp's default. */
  addSpacePrefix: boolean | null;
  specials: SpecialSource;
  warnings: string[];
};

/** Where the ids of bos, eos and the others are looked up. */
export type SpecialSource =
  | { kind: 'sentencepiece'; bosId: number; eosId: number }
  | { kind: 'fast'; json: Record<string, unknown>; addedIds: ReadonlyMap<string, number> };
