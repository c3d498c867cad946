// A model's logits on a text, chunk by chunk, by llama.cpp's own calls, as llama-perplexity makes them:
// each chunk starts with the token that begins a text, if the model has one, and its second half is scored.
// Keeps the logits of one batch at a time. Judges nothing.
import { allocateBatch, type LlamaBatch } from '../batch.js';
import type { ContextOptions, OpenModel } from '../libllama.js';

export type Scored = {
  /** A view that the next position overwrites. */
  logits: Float32Array;
  /** The token that the text goes on with. */
  token: number;
};

export type Scorer = {
  nVocab: number;
  /** Where the model's texts begin with a token of their own. */
  startsWithBos: boolean;
  tokenize(text: string): Int32Array;
  /** The scored positions of one chunk, in order. */
  score(chunk: Int32Array): Generator<Scored, void, undefined>;
  close(): void;
};

/** Logits are kept of at most so many positions: a quarter of a GiB at 128256 tokens. */
const N_BATCH = 512;

export function openScorer(model: OpenModel, nCtx: number, options?: ContextOptions): Scorer {
  const { nTokens: nVocab, bos, tokenize } = model.vocab;
  const context = model.openContext(nCtx, options);
  const batch = allocateBatch(N_BATCH, { picksLogits: true });
  return {
    nVocab,
    startsWithBos: bos !== null,
    tokenize,
    *score(chunk) {
      context.clear();
      for (let start = 0; start < chunk.length; start += N_BATCH) {
        const size = Math.min(N_BATCH, chunk.length - start);
        const scored = fill(batch, chunk, { start, size, bos });
        context.decode(batch, size);
        if (scored.length === 0) continue;
        const rows = context.logits(scored.length);
        for (const [row, position] of scored.entries())
          yield {
            logits: rows.subarray(row * nVocab, (row + 1) * nVocab),
            token: chunk[position + 1] as number,
          };
      }
    },
    close() {
      batch.free();
      context.close();
    },
  };
}

type BatchPart = { start: number; size: number; bos: number | null };

/** Returns the positions whose logits are asked for. */
function fill(
  { tokens, wanted }: LlamaBatch,
  chunk: Int32Array,
  { start, size, bos }: BatchPart,
): number[] {
  const scored: number[] = [];
  for (let i = 0; i < size; i++) {
    const position = start + i;
    tokens[i] = position === 0 && bos !== null ? bos : (chunk[position] as number);
    const isAsked = isScored(position, chunk.length);
    if (wanted) wanted[i] = Number(isAsked);
    if (isAsked) scored.push(position);
  }
  return scored;
}

/** The last position has nothing in its chunk to be held against. */
export function isScored(position: number, nCtx: number): boolean {
  return position >= Math.floor(nCtx / 2) && position < nCtx - 1;
}
