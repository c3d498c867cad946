// The vocabulary of a GGUF: one row per row of the embedding, filled where the tokenizer has a token.
// llama.cpp sizes the embedding by these rows, so rows without a token hold a placeholder.
// What llama.cpp would abort the process on is refused here; where rows come from is not its matter.
import { CheckpointError } from '../checkpoint/checkpoint-error.js';

/** llama.cpp's token types, as `tokenizer.ggml.token_type` stores them. */
export const TOKEN_TYPES = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

/** The score that llama.cpp's converter gives to every added token. */
const ADDED_SCORE = -1000;

const PLACEHOLDER_SCORE = -10_000;
/** Llama 4 has 202 048 rows, Gemma 262 208; more would not fit the memory that a hostile file may take. */
const MAX_ROWS = 300_000;

export class TokenRows {
  readonly nVocab: number;
  readonly filePath: string;
  readonly tokens: string[];
  readonly scores: number[];
  readonly types: number[];

  /** `nVocab` placeholders named as llama.cpp's converter names them. */
  constructor(nVocab: number, filePath: string) {
    if (!Number.isSafeInteger(nVocab) || nVocab < 1 || nVocab > MAX_ROWS)
      throw new CheckpointError(
        filePath,
        `the embedding has ${nVocab} rows, expected 1 to ${MAX_ROWS}`,
      );
    this.nVocab = nVocab;
    this.filePath = filePath;
    this.tokens = Array.from({ length: nVocab }, (_, id) => `[PAD${id}]`);
    this.scores = new Array<number>(nVocab).fill(PLACEHOLDER_SCORE);
    this.types = new Array<number>(nVocab).fill(TOKEN_TYPES.unused);
  }

  has(id: number): boolean {
    return id >= 0 && id < this.nVocab;
  }

  set(id: number, text: string, type: number, score = ADDED_SCORE): void {
    this.tokens[id] = text;
    this.types[id] = type;
    this.scores[id] = score;
  }

  /** Throws {@link CheckpointError} unless llama.cpp can tell all tokens apart. */
  checkDistinct(): void {
    const ids = new Map<string, number>();
    for (const [id, token] of this.tokens.entries()) {
      const key = asLlamaCppReads(token, id);
      const other = ids.get(key);
      if (other !== undefined) throw this.#duplicate(other, id);
      ids.set(key, id);
    }
  }

  #duplicate(first: number, second: number): CheckpointError {
    return new CheckpointError(
      this.filePath,
      `its tokens ${first} and ${second} are both ${quote(this.tokens[second])}; llama.cpp needs distinct ones, so the tokenizer is damaged`,
    );
  }
}

/** A C string ends at NUL, and llama.cpp names empty tokens by their ids. */
function asLlamaCppReads(token: string, id: number): string {
  const end = token.indexOf('\0');
  const text = end < 0 ? token : token.slice(0, end);
  return text === '' ? `[EMPTY_${id}]` : text;
}

/** Whether a token is a control token by its looks, though nothing marks it; as llama.cpp judges. */
export function looksSpecial(token: string): boolean {
  const isNamed = ['<pad>', '<mask>', '<2mass>', '[@BOS@]'].includes(token);
  const isFramed = (start: string, end: string) => token.startsWith(start) && token.endsWith(end);
  return isNamed || isFramed('<|', '|>') || isFramed('<｜', '｜>') || isFramed('<unused', '>');
}

/** Sentencepiece writes a space as this character. */
export const SPACE_MARK = '▁';

/** A token that is matched in text as it was typed, not as sentencepiece rewrites it. */
export function withPlainSpaces(token: string): string {
  return token.replaceAll(SPACE_MARK, ' ');
}

export function quote(text: unknown): string {
  const json = JSON.stringify(text) ?? 'missing';
  return json.length > 80 ? `${json.slice(0, 80)}...` : json;
}
