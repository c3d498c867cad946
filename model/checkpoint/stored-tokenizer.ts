// The tokenizer that a checkpoint carries, in the two forms that transformers saves, or a GGUF's.
// `config` is what tokenizer_config.json holds or would hold, as plain JSON.
// Types alone; tokenizer-folder.ts, torch/pickled-tokenizer.ts and gguf/ fill them.
import type { GgufMetadata } from '../gguf/gguf-metadata.js';

export type StoredTokenizer =
  | {
      kind: 'sentencepiece';
      /** tokenizer.model */
      model: Uint8Array;
      config: Record<string, unknown>;
      /** added_tokens.json: ids of tokens behind those of the sentencepiece model. */
      addedTokens: Record<string, number>;
    }
  | {
      kind: 'fast';
      /** tokenizer.json, parsed. */
      json: Record<string, unknown>;
      config: Record<string, unknown>;
    }
  | {
      kind: 'gguf';
      /** `tokenizer.*` as they are stored, but for the chat template, which is in `config`. */
      pairs: GgufMetadata;
      /** tokenizer.ggml.model */
      model: string;
      tokens: readonly string[];
      config: Record<string, unknown>;
    };
