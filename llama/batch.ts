// The memory of a llama_batch of one sequence, which llama.cpp reads where it lies. Decodes nothing.
import koffi from 'koffi';

export type LlamaBatch = {
  /** Of room for so many tokens as were asked for. */
  tokens: Int32Array;
  /** 1 where a token's logits are wanted; null of a batch that wants the last one's alone. */
  wanted: Int8Array | null;
  /** One object for all calls: making it takes a share of a small model's token. */
  struct: { n_tokens: number; token: unknown; logits: unknown };
  free(): void;
};

/** Throws nothing; `free` it once. With `picksLogits`, the tokens whose logits are wanted are marked. */
export function allocateBatch(nTokens: number, { picksLogits = false } = {}): LlamaBatch {
  const token = koffi.alloc('int32_t', nTokens);
  const logits = picksLogits ? koffi.alloc('int8_t', nTokens) : null;
  const empty = { n_tokens: 0, embd: null, pos: null, n_seq_id: null, seq_id: null };
  return {
    tokens: new Int32Array(koffi.view(token, 4 * nTokens)),
    wanted: logits && new Int8Array(koffi.view(logits, nTokens)),
    struct: { ...empty, token, logits },
    free() {
      koffi.free(token);
      if (logits) koffi.free(logits);
    },
  };
}
