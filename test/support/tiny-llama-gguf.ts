// The smallest Llama that is whole as a GGUF, for tests that change one thing of it: 4 tokens, 4 wide,
// one head, n_ff 8, one layer, in float32 zeros.
import type { TinyGguf, TinyValue } from './tiny-gguf.js';

const SHAPES: Readonly<Record<string, number[]>> = {
  'token_embd.weight': [4, 4],
  'blk.0.attn_norm.weight': [4],
  'blk.0.attn_q.weight': [4, 4],
  'blk.0.attn_k.weight': [4, 4],
  'blk.0.attn_v.weight': [4, 4],
  'blk.0.attn_output.weight': [4, 4],
  'blk.0.ffn_norm.weight': [4],
  'blk.0.ffn_gate.weight': [4, 8],
  'blk.0.ffn_up.weight': [4, 8],
  'blk.0.ffn_down.weight': [8, 4],
  'output_norm.weight': [4],
  'output.weight': [4, 4],
};

/** Room for each tensor. */
const SLOT_BYTES = 128;

export function tinyLlamaGguf({
  tokens = ['<s>', '</s>', 'a', 'b'],
  metadata = {},
  shapes = {},
  without,
}: {
  tokens?: string[];
  /** Laid over the header's pairs. */
  metadata?: Record<string, TinyValue>;
  /** Laid over the tensors' shapes, ne[0] first. */
  shapes?: Record<string, number[]>;
  /** A key that is left out. */
  without?: string;
} = {}): TinyGguf {
  const tensors = Object.entries({ ...SHAPES, ...shapes }).map(([name, shape], i) => {
    return { name, type: 0, shape, offset: i * SLOT_BYTES };
  });
  const pairs: Record<string, TinyValue> = {
    'general.architecture': 'llama',
    'llama.block_count': 1,
    'llama.context_length': 16,
    'llama.embedding_length': 4,
    'llama.feed_forward_length': 8,
    'llama.attention.head_count': 1,
    'llama.attention.head_count_kv': 1,
    'llama.attention.layer_norm_rms_epsilon': 1.5e-6,
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': tokens.map(() => 1),
    ...metadata,
  };
  const kept = Object.entries(pairs).filter(([key]) => key !== without);
  return {
    metadata: Object.fromEntries(kept),
    tensors,
    dataBytes: tensors.length * SLOT_BYTES,
  };
}
