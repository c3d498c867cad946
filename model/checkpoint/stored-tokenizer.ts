// The tokenizer that a checkpoint carries, in the two forms that transformers saves.
// `config` is what tokenizer_config.json holds or would hold, as plain JSON.
// Types alone; tokenizer-folder.ts and torch/pickled-tokenizer.ts fill them.

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
    };
