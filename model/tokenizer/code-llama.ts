// The infilling tokens of Code Llama, which its tokenizer does not name.
// llama.cpp's converter knows Code Llama by its 32016 rows alone, and so does this.
import type { GgufMetadata } from '../gguf/gguf-metadata.js';

const CODE_LLAMA_ROWS = 32016;

const IDS = {
  'tokenizer.ggml.prefix_token_id': 32007,
  'tokenizer.ggml.suffix_token_id': 32008,
  'tokenizer.ggml.middle_token_id': 32009,
  'tokenizer.ggml.eot_token_id': 32010,
} as const;

export function codeLlamaPairs(nVocab: number): GgufMetadata {
  if (nVocab !== CODE_LLAMA_ROWS) return {};
  return Object.fromEntries(
    Object.entries(IDS).map(([key, value]) => [key, { type: 'UINT32', value }]),
  );
}
