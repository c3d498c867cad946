// A model's logits on a text, chunk by chunk, by llama.cpp's own calls, as llama-perplexity makes them:
// each chunk starts with the token that begins a text, and its second half is scored.
// Keeps the logits of one batch at a time. Judges nothing.
import koffi from 'koffi';
import { EMPTY_BATCH, type LlamaModel, loadLibrary } from '../../measure/llama.js';
import type { LlamaSettings } from '../../measure/llama-settings.js';

export type Scored = {
  /** A view that the next position overwrites. */
  logits: Float32Array;
  /** The token that the text goes on with. */
  token: number;
};

export type Scorer = {
  nVocab: number;
  tokenize(text: string): Int32Array;
  /** The scored positions of one chunk, in order. */
  score(chunk: Int32Array): Generator<Scored, void, undefined>;
  close(): void;
};

/** Logits are kept of at most so many positions: a quarter of a GiB at 128256 tokens. */
const N_BATCH = 512;

export function openScorer(model: LlamaModel, settings: LlamaSettings, nCtx: number): Scorer {
  const calls = bind(settings.libraries.llama);
  const vocab: unknown = calls.vocab(model.handle);
  const nVocab: number = calls.nVocab(vocab);
  const bos: number | null = calls.addsBos(vocab) ? calls.bos(vocab) : null;
  const context = model.openContext(nCtx);
  const batch = allocateBatch();
  return {
    nVocab,
    tokenize: (text) => tokenize(calls, vocab, text),
    *score(chunk) {
      context.clear();
      for (let start = 0; start < chunk.length; start += N_BATCH) {
        const size = Math.min(N_BATCH, chunk.length - start);
        const outputs = batch.fill(chunk, { start, size, bos });
        const status: number = calls.decode(context.handle, { ...batch.struct, n_tokens: size });
        if (status !== 0) throw new Error(`llama_decode returned ${status} for ${size} tokens`);
        if (outputs.length === 0) continue;
        const pointer: unknown = calls.logits(context.handle);
        const all = new Float32Array(koffi.view(pointer, 4 * nVocab * outputs.length));
        for (const [row, position] of outputs.entries())
          yield {
            logits: all.subarray(row * nVocab, (row + 1) * nVocab),
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

/** The last position has nothing in its chunk to be held against. */
function isScored(position: number, nCtx: number): boolean {
  return position >= Math.floor(nCtx / 2) && position < nCtx - 1;
}

function bind(file: string) {
  const library = loadLibrary(file);
  const f = (signature: string) => library.func(signature);
  return {
    vocab: f('void *llama_model_get_vocab(void *model)'),
    nVocab: f('int llama_vocab_n_tokens(void *vocab)'),
    addsBos: f('bool llama_vocab_get_add_bos(void *vocab)'),
    bos: f('int llama_vocab_bos(void *vocab)'),
    tokenize: f(
      'int32_t llama_tokenize(void *vocab, const uint8_t *text, int32_t length, int32_t *tokens, int32_t max, bool special, bool parse)',
    ),
    decode: f('int llama_decode(void *context, llama_batch batch)'),
    logits: f('void *llama_get_logits(void *context)'),
  };
}

/** With the tokens around a text, without reading tokens such as `</s>` out of it. */
function tokenize(calls: ReturnType<typeof bind>, vocab: unknown, text: string): Int32Array {
  const bytes = Buffer.from(text, 'utf8');
  const tokens = new Int32Array(bytes.length + 2);
  const count: number = calls.tokenize(
    ...([vocab, bytes, bytes.length, tokens, tokens.length, true, false] as const),
  );
  if (count < 0) throw new Error(`llama.cpp cannot split a text of ${bytes.length} bytes`);
  return tokens.slice(0, count);
}

type Part = { start: number; size: number; bos: number | null };

function allocateBatch() {
  const token = koffi.alloc('int32_t', N_BATCH);
  const logits = koffi.alloc('int8_t', N_BATCH);
  const tokens = new Int32Array(koffi.view(token, 4 * N_BATCH));
  const wanted = new Int8Array(koffi.view(logits, N_BATCH));
  return {
    struct: { ...EMPTY_BATCH, token, logits },
    /** Returns the positions whose logits are asked for. */
    fill(chunk: Int32Array, { start, size, bos }: Part): number[] {
      const outputs: number[] = [];
      for (let i = 0; i < size; i++) {
        const position = start + i;
        tokens[i] = position === 0 && bos !== null ? bos : (chunk[position] as number);
        wanted[i] = Number(isScored(position, chunk.length));
        if (wanted[i]) outputs.push(position);
      }
      return outputs;
    },
    free() {
      koffi.free(token);
      koffi.free(logits);
    },
  };
}
