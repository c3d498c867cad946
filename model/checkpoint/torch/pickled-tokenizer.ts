// The tokenizer inside an LLM-Pruner pickle, as the files that it would save.
// A slow Llama tokenizer keeps its sentencepiece model, a fast one its tokenizer.json.
// Transformers before 4.31 stored only the path of the vocabulary: then there is none.
import protobuf from 'protobufjs/minimal.js';
import { MAX_VOCABULARY_KEYS, parseBoundedJson } from '../bounded-json.js';
import { CheckpointError } from '../checkpoint-error.js';
import { toPlainJson, toPlainRecord } from '../pickle/plain-json.js';
import { PickleObject, type PickleValue } from '../pickle/value.js';
import type { StoredTokenizer } from '../stored-tokenizer.js';
import { isCount } from '../tensor-source.js';

/** Null where the pickle holds no tokenizer, or one without its vocabulary. */
export function readPickledTokenizer(
  tokenizer: PickleValue | undefined,
  filePath: string,
): StoredTokenizer | null {
  if (!(tokenizer instanceof PickleObject)) return null;
  const config = readConfig(tokenizer, filePath);
  const fast = tokenizer.field('_tokenizer');
  if (fast instanceof PickleObject && fast.state instanceof Uint8Array)
    return {
      kind: 'fast',
      json: parseBoundedJson(Buffer.from(fast.state), filePath, MAX_VOCABULARY_KEYS),
      config,
    };
  const model = tokenizer.field('sp_model_proto');
  if (!(model instanceof Uint8Array)) return null;
  // A copy, so that the whole data.pkl does not stay in memory with it.
  const copy = Uint8Array.from(model);
  const addedTokens = readAddedTokens(tokenizer, countPieces(copy, filePath), filePath);
  return { kind: 'sentencepiece', model: copy, config, addedTokens };
}

const SPECIAL_TOKENS = ['bos_token', 'eos_token', 'unk_token', 'pad_token'] as const;
const SETTINGS = [
  'add_bos_token',
  'add_eos_token',
  'legacy',
  'add_prefix_space',
  'chat_template',
  'model_max_length',
] as const;

/** What save_pretrained would write to tokenizer_config.json. */
function readConfig(tokenizer: PickleObject, filePath: string): Record<string, unknown> {
  const config = toPlainRecord(tokenizer.field('init_kwargs'), filePath);
  config['tokenizer_class'] = tokenizer.made.name;
  for (const name of SETTINGS) {
    // LlamaTokenizerFast keeps add_bos_token behind a property.
    const value = tokenizer.field(name) ?? tokenizer.field(`_${name}`);
    if (value !== undefined && value !== null) config[name] = toPlainJson(value, filePath);
  }
  const decoder = tokenizer.field('_added_tokens_decoder');
  if (decoder instanceof Map) config['added_tokens_decoder'] = toPlainRecord(decoder, filePath);
  for (const name of SPECIAL_TOKENS) {
    const content = readSpecialToken(tokenizer, name);
    if (content !== undefined) config[name] = content;
  }
  return config;
}

/** Attributes such as `_bos_token` until transformers 4.46, one dict from 4.47 on. */
function readSpecialToken(tokenizer: PickleObject, name: string): string | undefined {
  const specials = tokenizer.field('_special_tokens_map');
  const token = specials instanceof Map ? specials.get(name) : tokenizer.field(`_${name}`);
  const content = token instanceof PickleObject ? token.field('content') : token;
  return typeof content === 'string' ? content : undefined;
}

/** What added_tokens.json would hold: tokens behind the pieces of the sentencepiece model. */
function readAddedTokens(
  tokenizer: PickleObject,
  pieceCount: number,
  filePath: string,
): Record<string, number> {
  const encoder =
    tokenizer.field('_added_tokens_encoder') ?? tokenizer.field('added_tokens_encoder');
  const added = Object.entries(toPlainRecord(encoder, filePath));
  return Object.fromEntries(
    added.filter((entry): entry is [string, number] => isCount(entry[1]) && entry[1] >= pieceCount),
  );
}

/** Pieces are field 1 of sentencepiece's ModelProto. */
function countPieces(model: Uint8Array, filePath: string): number {
  const reader = protobuf.Reader.create(model);
  try {
    let pieces = 0;
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 === 1) pieces++;
      reader.skipType(tag & 7);
    }
    return pieces;
  } catch (cause) {
    throw new CheckpointError(filePath, 'its sentencepiece model is damaged', { cause });
  }
}
