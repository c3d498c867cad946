// The roles that transformers gives to special tokens, and llama.cpp's keys for their ids.
// In the order of gguf-py's SpecialVocab, which is the order in the file.
// Data alone; special-tokens.ts decides which id has a role.
import { isJsonObject } from '../checkpoint/bounded-json.js';

export const SPECIAL_ROLES = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;

export type SpecialRole = (typeof SPECIAL_ROLES)[number] | 'eot' | 'eom';

/** `seperator` is llama.cpp's spelling; it has no key for `cls`. */
export const ID_KEYS: Partial<Record<SpecialRole, string>> = {
  bos: 'tokenizer.ggml.bos_token_id',
  eos: 'tokenizer.ggml.eos_token_id',
  unk: 'tokenizer.ggml.unknown_token_id',
  sep: 'tokenizer.ggml.seperator_token_id',
  pad: 'tokenizer.ggml.padding_token_id',
  mask: 'tokenizer.ggml.mask_token_id',
  eot: 'tokenizer.ggml.eot_token_id',
  eom: 'tokenizer.ggml.eom_token_id',
};

/** Whether llama.cpp puts the token around text by itself. */
export const ADD_KEYS: Partial<Record<SpecialRole, string>> = {
  bos: 'tokenizer.ggml.add_bos_token',
  eos: 'tokenizer.ggml.add_eos_token',
  sep: 'tokenizer.ggml.add_sep_token',
};

/** The text of a token in tokenizer_config.json: bare, or with its settings. Empty is none. */
export function contentOf(token: unknown): string | undefined {
  const content = isJsonObject(token) ? token['content'] : token;
  return typeof content === 'string' && content !== '' ? content : undefined;
}
