// The vocabulary of a slow Llama tokenizer: the pieces of tokenizer.model and the tokens added later.
// Types and scores follow llama.cpp's convert_hf_to_gguf.py (conversion/base.py,
// _create_vocab_sentencepiece); what llama.cpp cannot run is refused rather than converted wrongly.
import { isJsonObject } from '../checkpoint/bounded-json.js';
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import type { StoredTokenizer } from '../checkpoint/stored-tokenizer.js';
import { checkByteTokens } from './byte-tokens.js';
import {
  PIECE_TYPES,
  readSentencePieceModel,
  type SentencePieceModel,
} from './sentencepiece-model.js';
import { looksSpecial, quote, TOKEN_TYPES, TokenRows, withPlainSpaces } from './token-rows.js';
import type { Vocabulary } from './vocabulary.js';

type SlowTokenizer = Extract<StoredTokenizer, { kind: 'sentencepiece' }>;

/** Throws {@link CheckpointError} for a model that is damaged or that llama.cpp cannot run. */
export function sentencePieceVocabulary(
  { model: bytes, config, addedTokens }: SlowTokenizer,
  nVocab: number,
  filePath: string,
): Vocabulary {
  const rows = new TokenRows(nVocab, filePath);
  const model = readSentencePieceModel(bytes, nVocab, filePath);
  checkKind(model, filePath);
  for (const [id, { text, score, type }] of model.pieces.entries())
    rows.set(id, text, pieceType(type), score);
  const added = [...listAdded(addedTokens), ...listDecoder(config, filePath)];
  const ignored = added.filter((token) => !setAdded(rows, token));
  checkByteTokens(rows);
  const prefix = config['add_prefix_space'];
  return {
    model: 'llama',
    pre: 'default',
    rows,
    merges: null,
    addSpacePrefix: typeof prefix === 'boolean' ? prefix : model.addDummyPrefix ? null : false,
    specials: { kind: 'sentencepiece', bosId: model.bosId, eosId: model.eosId },
    warnings: [...modelWarnings(model), ...ignoredWarnings(ignored, nVocab)],
  };
}

function checkKind({ modelType }: SentencePieceModel, filePath: string): void {
  if (modelType === 'BPE') return;
  throw new CheckpointError(
    filePath,
    `its sentencepiece model is ${modelType}; llama.cpp runs only BPE for a Llama, so it would split text differently`,
  );
}

/** A user-defined piece stays a normal one, as in llama.cpp's converter. */
function pieceType(type: number): number {
  if (type === PIECE_TYPES.unknown) return TOKEN_TYPES.unknown;
  if (type === PIECE_TYPES.control) return TOKEN_TYPES.control;
  if (type === PIECE_TYPES.unused) return TOKEN_TYPES.unused;
  return type === PIECE_TYPES.byte ? TOKEN_TYPES.byte : TOKEN_TYPES.normal;
}

type AppendedToken = { id: number; text: string; type: number };

function listAdded(addedTokens: Record<string, number>): AppendedToken[] {
  return Object.entries(addedTokens).map(([text, id]) => ({
    id,
    text,
    type: TOKEN_TYPES.userDefined,
  }));
}

/** `added_tokens_decoder` of tokenizer_config.json, since transformers 4.34. */
function listDecoder(config: Record<string, unknown>, filePath: string): AppendedToken[] {
  const decoder = config['added_tokens_decoder'];
  if (!isJsonObject(decoder)) return [];
  return Object.entries(decoder).map(([id, token]) => {
    const { content, special } = isJsonObject(token) ? token : {};
    if (!/^\d{1,9}$/.test(id) || typeof content !== 'string')
      throw new CheckpointError(
        filePath,
        `its added_tokens_decoder has ${quote(id)}: ${quote(token)}; expected an id and a token's content`,
      );
    return special || looksSpecial(content)
      ? { id: Number(id), text: content, type: TOKEN_TYPES.control }
      : { id: Number(id), text: withPlainSpaces(content), type: TOKEN_TYPES.userDefined };
  });
}

/** False where the embedding has no row for the token: the model never saw it. */
function setAdded(rows: TokenRows, { id, text, type }: AppendedToken): boolean {
  if (id < 0)
    throw new CheckpointError(rows.filePath, `its added token ${quote(text)} has the id ${id}`);
  if (rows.has(id)) rows.set(id, text, type);
  return rows.has(id);
}

/** Tells of added tokens that lie behind the embedding's last row. */
export function ignoredWarnings(ignored: { id: number; text: string }[], nVocab: number): string[] {
  return [...new Map(ignored.map((token) => [token.id, token])).values()]
    .slice(0, 5)
    .map(
      ({ id, text }) =>
        `the tokenizer's added token ${quote(text)} (id ${id}) is left out: the embedding has ${nVocab} rows`,
    );
}

function modelWarnings(model: SentencePieceModel): string[] {
  const changes = [
    ...(model.mapsCharacters ? [`rewrites characters (${quote(model.normalizer)})`] : []),
    ...(model.removeExtraWhitespaces ? ['removes repeated spaces'] : []),
  ];
  const defined = model.pieces.find(({ type }) => type === PIECE_TYPES.userDefined);
  return [
    ...changes.map(
      (change) =>
        `the sentencepiece model ${change} before it splits text, llama.cpp does not; such text gets other tokens`,
    ),
    ...(defined
      ? [
          `the sentencepiece model keeps pieces such as ${quote(defined.text)} whole, llama.cpp does not; such text gets other tokens`,
        ]
      : []),
  ];
}
