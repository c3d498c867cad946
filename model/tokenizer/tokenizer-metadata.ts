// Turns a stored tokenizer into the tokenizer.ggml.* pairs that llama.cpp's own converter writes.
// Keys, order, types and placeholders are those of convert_hf_to_gguf.py (conversion/llama.py), so
// that llama.cpp's tokens equal the original's. The chat template is choose-template.ts's matter.
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import type { StoredTokenizer } from '../checkpoint/stored-tokenizer.js';
import type { GgufMetadata } from '../gguf/gguf-metadata.js';
import { byteLevelVocabulary } from './byte-level-vocabulary.js';
import { codeLlamaPairs } from './code-llama.js';
import { llamaBpeVocabulary } from './llama-bpe-vocabulary.js';
import { sentencePieceVocabulary } from './sentencepiece-vocabulary.js';
import { specialTokens } from './special-tokens.js';
import { readBpe } from './tokenizer-json.js';
import type { Vocabulary } from './vocabulary.js';

export type TokenizerPairs = {
  metadata: GgufMetadata;
  /** What a user should know, one sentence each. */
  warnings: string[];
};

/**
 * The pairs of a tokenizer for a model whose embedding has `nVocab` rows. `config` and
 * `generationConfig` are the checkpoint's, `filePath` names it in errors.
 * Throws {@link CheckpointError} for a tokenizer that is damaged, that does not belong to the
 * model, or that llama.cpp would not reproduce.
 */
export function tokenizerMetadata(
  tokenizer: StoredTokenizer,
  model: {
    nVocab: number;
    config: Record<string, unknown>;
    generationConfig: Record<string, unknown> | null;
    filePath: string;
  },
): TokenizerPairs {
  if (tokenizer.kind === 'gguf') return storedMetadata(tokenizer, model);
  const vocabulary = readVocabulary(tokenizer, model.nVocab, model.filePath);
  vocabulary.rows.checkDistinct();
  const specials = specialTokens(vocabulary, { ...model, tokenizerConfig: tokenizer.config });
  return {
    metadata: {
      ...vocabularyPairs(vocabulary),
      ...specials.metadata,
      ...codeLlamaPairs(model.nVocab),
    },
    warnings: [...vocabulary.warnings, ...specials.warnings],
  };
}

/** A GGUF's own, which llama.cpp reads as they are. */
function storedMetadata(
  { pairs, tokens }: Extract<StoredTokenizer, { kind: 'gguf' }>,
  { nVocab, filePath }: { nVocab: number; filePath: string },
): TokenizerPairs {
  if (tokens.length === nVocab) return { metadata: pairs, warnings: [] };
  throw new CheckpointError(
    filePath,
    `has ${tokens.length} tokens, but its token_embd.weight has ${nVocab} rows; it is damaged`,
  );
}

function readVocabulary(
  tokenizer: Exclude<StoredTokenizer, { kind: 'gguf' }>,
  nVocab: number,
  filePath: string,
): Vocabulary {
  if (tokenizer.kind === 'sentencepiece')
    return sentencePieceVocabulary(tokenizer, nVocab, filePath);
  const bpe = readBpe(tokenizer.json, nVocab, filePath);
  return bpe.byteFallback
    ? llamaBpeVocabulary(bpe, tokenizer.config)
    : byteLevelVocabulary(bpe, tokenizer.config);
}

function vocabularyPairs(vocabulary: Vocabulary): GgufMetadata {
  const { model, pre, rows, merges, addSpacePrefix } = vocabulary;
  return {
    ...(addSpacePrefix !== null && {
      'tokenizer.ggml.add_space_prefix': { type: 'BOOL', value: addSpacePrefix },
    }),
    'tokenizer.ggml.model': { type: 'STRING', value: model },
    'tokenizer.ggml.pre': { type: 'STRING', value: pre },
    'tokenizer.ggml.tokens': { type: 'ARRAY', of: 'STRING', value: rows.tokens },
    ...(model === 'llama' && {
      'tokenizer.ggml.scores': { type: 'ARRAY', of: 'FLOAT32', value: rows.scores },
    }),
    'tokenizer.ggml.token_type': { type: 'ARRAY', of: 'INT32', value: rows.types },
    ...(merges && { 'tokenizer.ggml.merges': { type: 'ARRAY', of: 'STRING', value: merges } }),
  };
}
