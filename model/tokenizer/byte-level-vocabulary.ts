// The vocabulary of a byte-level BPE tokenizer, such as Llama 3's.
// Tokens and types follow llama.cpp's convert_hf_to_gguf.py (conversion/base.py, get_vocab_base);
// the name of the pre-tokeniser comes from pre-tokenizer.ts.
import { isJsonObject } from '../checkpoint/bounded-json.js';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import { preTokenizerName } from './pre-tokenizer.js';
import { ignoredWarnings } from './sentencepiece-vocabulary.js';
import { looksSpecial, quote, TOKEN_TYPES, TokenRows, withPlainSpaces } from './token-rows.js';
import type { AddedToken, Bpe } from './tokenizer-json.js';
import type { Vocabulary } from './vocabulary.js';

/** Throws {@link CheckpointError} for a tokenizer that llama.cpp would not reproduce. */
export function byteLevelVocabulary(bpe: Bpe, config: Record<string, unknown>): Vocabulary {
  const { nVocab, filePath } = bpe;
  const rows = new TokenRows(nVocab, filePath);
  for (const [token, id] of bpe.vocab) rows.set(id, token, TOKEN_TYPES.normal);
  const fitting = bpe.added.filter(({ id }) => rows.has(id));
  for (const token of fitting) setAdded(rows, token);
  const prefix = config['add_prefix_space'];
  return {
    model: 'gpt2',
    pre: preTokenizerName(bpe),
    rows,
    merges: bpe.merges,
    addSpacePrefix: typeof prefix === 'boolean' ? prefix : null,
    specials: specialSource(bpe),
    warnings: [
      ...normalizerWarnings(bpe),
      ...ignoredWarnings(
        bpe.added.filter(({ id }) => !rows.has(id)),
        nVocab,
      ),
    ],
  };
}

function setAdded(rows: TokenRows, { id, text, special }: AddedToken): void {
  if (special || looksSpecial(text)) rows.set(id, text, TOKEN_TYPES.control);
  else rows.set(id, withPlainSpaces(text), TOKEN_TYPES.userDefined);
}

/** Where a fast tokenizer's special tokens are looked up: among the added ones the model knows. */
export function specialSource({ json, added, nVocab }: Bpe): Vocabulary['specials'] {
  const known = added.filter(({ id }) => id < nVocab).reverse();
  return { kind: 'fast', json, addedIds: new Map(known.map(({ text, id }) => [text, id])) };
}

/** llama.cpp's byte-level BPE takes text as it is. */
function normalizerWarnings({ json, filePath }: Bpe): string[] {
  const normalizer = json['normalizer'] ?? null;
  if (normalizer === null) return [];
  if (isJsonObject(normalizer) && normalizer['type'] === 'NFC')
    return [
      'the tokenizer composes characters (NFC) before it splits text, llama.cpp does not; decomposed text gets other tokens',
    ];
  throw new CheckpointError(
    filePath,
    `its tokenizer.json rewrites text by ${quote(normalizer)}; llama.cpp's byte-level BPE does not, so it would split text differently`,
  );
}
