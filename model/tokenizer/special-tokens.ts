// Decides the ids of bos, eos, unk, pad and the others, and which of them are added to text.
// Precedence as in gguf-py's SpecialVocab (gguf/vocab.py): the tokenizer's own tokens, then config.json.
// Where that leaves llama.cpp's default wrong (id 11 for bos), more is written than it would write.
import type { GgufMetadata } from '../gguf/gguf-metadata.js';
import { ADD_KEYS, contentOf, ID_KEYS, SPECIAL_ROLES, type SpecialRole } from './special-roles.js';
import { type Additions, readTemplates, type SpecialNames } from './template-processing.js';
import { quote, TOKEN_TYPES } from './token-rows.js';
import type { Vocabulary } from './vocabulary.js';

export type SpecialSettings = {
  nVocab: number;
  /** config.json */
  config: Record<string, unknown>;
  generationConfig: Record<string, unknown> | null;
  /** tokenizer_config.json */
  tokenizerConfig: Record<string, unknown>;
};

type Ids = Partial<Record<SpecialRole, number>>;

/** The pairs of special tokens, and what about them a user should know. */
export function specialTokens(
  vocabulary: Vocabulary,
  settings: SpecialSettings,
): { metadata: GgufMetadata; warnings: string[] } {
  const { names, additions } = readTokenizer(vocabulary, settings.tokenizerConfig);
  const warnings: string[] = [];
  const ids =
    vocabulary.specials.kind === 'fast'
      ? fastIds(vocabulary.specials.addedIds, names, settings, warnings)
      : sentencePieceIds(vocabulary, vocabulary.specials, names, settings, warnings);
  completeAdditions(additions, ids, vocabulary, settings);
  return { metadata: { ...idPairs(ids), ...additionPairs(additions) }, warnings };
}

/** The texts of special tokens and what is added around text; settings win over the template. */
function readTokenizer(
  { specials }: Vocabulary,
  config: Record<string, unknown>,
): { names: SpecialNames; additions: Additions } {
  const names: SpecialNames = {};
  for (const role of SPECIAL_ROLES) {
    const content = contentOf(config[`${role}_token`]);
    if (content !== undefined) names[role] = content;
  }
  const additions =
    specials.kind === 'fast' ? readTemplates(specials.json['post_processor'], names) : {};
  for (const role of ['bos', 'eos', 'sep'] as const) {
    const adds = config[`add_${role}_token`];
    if (typeof adds === 'boolean') additions[role] = adds;
  }
  return { names, additions };
}

function fastIds(
  addedIds: ReadonlyMap<string, number>,
  names: SpecialNames,
  settings: SpecialSettings,
  warnings: string[],
): Ids {
  const ids: Ids = {};
  for (const role of [...SPECIAL_ROLES, 'eot', 'eom'] as const) {
    const name = names[role];
    const id = name === undefined ? undefined : addedIds.get(name);
    if (id !== undefined) ids[role] = id;
  }
  for (const role of SPECIAL_ROLES) {
    const id = ids[role] ?? configuredId(role, settings, warnings);
    if (id !== undefined) ids[role] = id;
  }
  return ids;
}

/**
 * config.json's ids. Bos and eos are checked, because the config of the first converted Llamas
 * (bos 0, eos 1) contradicts their vocabulary.
 */
function sentencePieceIds(
  vocabulary: Vocabulary,
  own: { bosId: number; eosId: number },
  names: SpecialNames,
  settings: SpecialSettings,
  warnings: string[],
): Ids {
  const ids: Ids = {};
  for (const role of SPECIAL_ROLES) {
    const configured = configuredId(role, settings, warnings);
    const id =
      role === 'bos' || role === 'eos'
        ? endId(role, configured, { vocabulary, own, names, warnings })
        : configured;
    if (id !== undefined) ids[role] = id;
  }
  return ids;
}

/** The tokenizer's own token, else the configured one if it can be one, else the model's. */
function endId(
  role: 'bos' | 'eos',
  configured: number | undefined,
  known: {
    vocabulary: Vocabulary;
    own: { bosId: number; eosId: number };
    names: SpecialNames;
    warnings: string[];
  },
): number | undefined {
  const { own, warnings, vocabulary } = known;
  const { types, tokens } = vocabulary.rows;
  const name = known.names[role];
  const named = name === undefined ? -1 : tokens.indexOf(name);
  const isMarker = (id: number) =>
    types[id] === TOKEN_TYPES.control || types[id] === TOKEN_TYPES.userDefined;
  const other = role === 'bos' ? own.eosId : own.bosId;
  const candidates = [named, configured === other ? -1 : (configured ?? -1), own[`${role}Id`]];
  const id = candidates.find(isMarker) ?? configured;
  if (configured !== undefined && id !== configured)
    warnings.push(
      `config.json has ${role}_token_id ${configured} (${quote(tokens[configured])}); the tokenizer's ${role} is ${id} (${quote(tokens[id ?? -1])}), which is written`,
    );
  return id;
}

/** An id of config.json; lists (several eos) are left to the tokenizer, as llama.cpp's converter does. */
function configuredId(
  role: SpecialRole,
  { config, nVocab }: SpecialSettings,
  warnings: string[],
): number | undefined {
  const id = config[`${role}_token_id`];
  // LLM-Pruner's first base model has pad_token_id -1, which means none.
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) return undefined;
  if (id < nVocab) return id;
  warnings.push(`config.json has ${role}_token_id ${id}, but there are only ${nVocab} tokens`);
  return undefined;
}

/** Tokenizers that add bos unless told otherwise, as llama.cpp does for sentencepiece. */
const ADDS_BOS_BY_DEFAULT = /^(Code)?LlamaTokenizer(Fast)?$/;
/** llama.cpp's converter takes this many rows for a model that wants no bos. */
const GRANITE_ROWS = 49152;

/** Writes down what llama.cpp would otherwise guess. */
function completeAdditions(
  additions: Additions,
  ids: Ids,
  { specials }: Vocabulary,
  { nVocab, config, generationConfig, tokenizerConfig }: SpecialSettings,
): void {
  for (const role of ['bos', 'eos'] as const) {
    const listed = [config, generationConfig ?? {}].flatMap((from) => from[`${role}_token_id`]);
    const id = listed.find((value) => Number.isSafeInteger(value) && isRow(value, nVocab));
    if (ids[role] === undefined && typeof id === 'number') ids[role] = id;
    if (ids[role] === undefined) additions[role] = false;
  }
  const isLlama = ADDS_BOS_BY_DEFAULT.test(String(tokenizerConfig['tokenizer_class']));
  if (specials.kind === 'fast' && !isLlama) additions.bos ??= false;
  if (nVocab === GRANITE_ROWS) additions.bos = false;
}

function isRow(id: unknown, nVocab: number): boolean {
  return Number(id) >= 0 && Number(id) < nVocab;
}

function idPairs(ids: Ids): GgufMetadata {
  const pairs: GgufMetadata = {};
  for (const [role, value] of Object.entries(ids) as [SpecialRole, number][]) {
    const key = ID_KEYS[role];
    if (key) pairs[key] = { type: 'UINT32', value };
  }
  return pairs;
}

function additionPairs(additions: Additions): GgufMetadata {
  const pairs: GgufMetadata = {};
  for (const role of ['bos', 'eos', 'sep'] as const) {
    const [key, value] = [ADD_KEYS[role], additions[role]];
    if (key && value !== undefined) pairs[key] = { type: 'BOOL', value };
  }
  return pairs;
}
