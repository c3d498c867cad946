// The vocabulary of a fast Llama tokenizer: sentencepiece's BPE, stored as merges in tokenizer.json.
// llama.cpp runs it by scores, so every token gets the rank of its merge as its score, as sentencepiece
// has it; llama.cpp's own converter writes -1000 for all of them, which splits text differently.

import { specialSource } from './byte-level-vocabulary.js';
import { BYTE_TOKEN, checkByteTokens } from './byte-tokens.js';
import { ignoredWarnings } from './sentencepiece-vocabulary.js';
import { prependsSpace } from './space-prefix.js';
import { contentOf, SPECIAL_ROLES } from './special-roles.js';
import { looksSpecial, TOKEN_TYPES, TokenRows, withPlainSpaces } from './token-rows.js';
import type { AddedToken, Bpe } from './tokenizer-json.js';
import type { Vocabulary } from './vocabulary.js';

/** Throws {@link CheckpointError} for a tokenizer that llama.cpp would not reproduce. */
export function llamaBpeVocabulary(bpe: Bpe, config: Record<string, unknown>): Vocabulary {
  const { nVocab, filePath } = bpe;
  const rows = new TokenRows(nVocab, filePath);
  const ranks = rankTokens(bpe.merges);
  setBase(rows, bpe.vocab, ranks);
  for (const token of bpe.added) setAdded(rows, token, specialNames(config));
  checkByteTokens(rows);
  return {
    model: 'llama',
    pre: 'default',
    rows,
    merges: null,
    addSpacePrefix: spacePrefix(bpe, config),
    specials: specialSource(bpe),
    warnings: [
      ...mergeWarnings(bpe, ranks),
      ...ignoredWarnings(
        bpe.added.filter(({ id }) => !rows.has(id)),
        nVocab,
      ),
    ],
  };
}

function setBase(rows: TokenRows, vocab: Bpe['vocab'], ranks: ReadonlyMap<string, number>): void {
  for (const [token, id] of vocab)
    if (BYTE_TOKEN.test(token)) rows.set(id, token, TOKEN_TYPES.byte, 0);
    else rows.set(id, token, TOKEN_TYPES.normal, 0 - (ranks.get(token) ?? ranks.size));
}

/** In the order in which merges first make the tokens. */
function rankTokens(merges: string[]): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const merge of merges) {
    const token = productOf(merge);
    if (!ranks.has(token)) ranks.set(token, ranks.size);
  }
  return ranks;
}

function productOf(merge: string): string {
  return merge.replace(' ', '');
}

function setAdded(rows: TokenRows, { id, text, special }: AddedToken, names: Set<unknown>): void {
  if (!rows.has(id) || BYTE_TOKEN.test(text)) return;
  if (special || names.has(text) || looksSpecial(text)) rows.set(id, text, TOKEN_TYPES.control);
  else rows.set(id, withPlainSpaces(text), TOKEN_TYPES.userDefined);
}

function specialNames(config: Record<string, unknown>): Set<unknown> {
  const additional = config['additional_special_tokens'];
  return new Set([
    ...SPECIAL_ROLES.map((role) => contentOf(config[`${role}_token`])),
    ...(Array.isArray(additional) ? additional.map(contentOf) : []),
  ]);
}

/** Written where the settings tell it or where llama.cpp's default (true) would be wrong. */
function spacePrefix(bpe: Bpe, config: Record<string, unknown>): boolean | null {
  const prepends = prependsSpace(bpe);
  return typeof config['add_prefix_space'] === 'boolean' || !prepends ? prepends : null;
}

/** llama.cpp joins any two neighbours that make a token; merges may lack some of those pairs. */
function mergeWarnings({ vocab, merges }: Bpe, ranks: ReadonlyMap<string, number>): string[] {
  let pairs = 0;
  for (const token of ranks.keys()) pairs += countPairs(token, vocab);
  return pairs <= merges.length
    ? []
    : [
        "the tokenizer's merges are not those of a sentencepiece model; llama.cpp may split some words differently",
      ];
}

/** Longer tokens are none of sentencepiece's (at most 16 characters unless told otherwise). */
const MAX_CHECKED_LENGTH = 64;

function countPairs(token: string, vocab: ReadonlyMap<string, number>): number {
  let pairs = 0;
  for (let i = 1; i < token.length && token.length <= MAX_CHECKED_LENGTH; i++)
    if (vocab.has(token.slice(0, i)) && vocab.has(token.slice(i))) pairs++;
  return pairs;
}
