// The fields of OpenAI's requests that chat and completions share: which there are, and what the
// engine makes of them. A field that hearth cannot honour is refused by name, unless its value asks
// for what happens anyway.
import { isDeepStrictEqual } from 'node:util';
import type { FromSchema } from 'json-schema-to-ts';
import { defined } from '../defined.js';
import type { EngineInfo, GenerateRequest, Sampling } from '../engine/engine.js';
import * as limits from './limits.js';
import { type ApiError, badRequest } from './openai-error.js';

/** Whatever has other fields than these is refused. */
export function objectOf<const Required extends readonly string[], const Properties>(
  required: Required,
  properties: Properties,
) {
  return { type: 'object', required, additionalProperties: false, properties } as const;
}

export const NAME = { type: 'string', maxLength: limits.MAX_NAME_CHARS } as const;
export const TEXT = { type: 'string', maxLength: limits.MAX_TEXT_CHARS } as const;
export const BOOLEAN = { type: 'boolean' } as const;

/** What an object with this `type` must have; of which types there are, its reader says. */
export function whereType(type: string, required: string[], properties: Record<string, object>) {
  return {
    if: { required: ['type'], properties: { type: { const: type } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
    then: { required, properties },
  };
}

export function orNull<const Type extends string, Schema extends { readonly type: Type }>(
  schema: Schema,
) {
  return { ...schema, type: [schema.type, 'null'] } as const;
}

export function integer(minimum: number, maximum: number) {
  return { type: 'integer', minimum, maximum } as const;
}

const share = { type: 'number', minimum: 0, maximum: 1 } as const;
const stopText = { type: 'string', minLength: 1, maxLength: limits.MAX_STOP_CHARS } as const;

export const COMMON_FIELDS = {
  model: NAME,
  stream: BOOLEAN,
  stream_options: objectOf([], { include_usage: BOOLEAN, include_obfuscation: BOOLEAN }),
  max_tokens: integer(0, limits.MAX_MAX_TOKENS),
  temperature: { type: 'number', minimum: 0, maximum: 2 },
  top_p: share,
  seed: integer(0, limits.MAX_SEED),
  stop: { ...stopText, type: ['string', 'array'], maxItems: limits.MAX_STOPS, items: stopText },
  n: integer(1, limits.MAX_CHOICES),
  logit_bias: {
    type: 'object',
    maxProperties: limits.MAX_LOGIT_BIASES,
    propertyNames: { pattern: '^[0-9]{1,9}$' },
    additionalProperties: { type: 'number', minimum: -100, maximum: 100 },
  },
  top_k: integer(0, limits.MAX_TOP_K),
  min_p: share,
  repeat_penalty: { type: 'number', exclusiveMinimum: 0, maximum: 10 },
  frequency_penalty: { type: 'number', minimum: -2, maximum: 2 },
  presence_penalty: { type: 'number', minimum: -2, maximum: 2 },
  /** GBNF, as llama-server takes it. */
  grammar: { ...TEXT, minLength: 1 },
  /** llama-server's, in a stream: how far the prompt is, and the timings so far with each chunk. */
  return_progress: BOOLEAN,
  timings_per_token: BOOLEAN,
  /** hearth's own: what to do when the prompt does not fit. */
  overflow: { enum: ['error', 'drop-oldest'] },
} as const;

const COMMON_SCHEMA = objectOf([], COMMON_FIELDS);
export type CommonFields = FromSchema<typeof COMMON_SCHEMA>;

/** Values that ask for nothing, of fields that hearth does not have. */
const HARMLESS: Record<string, unknown[]> = {
  best_of: [1],
  echo: [false],
  modalities: [['text']],
  suffix: [''],
};

/** Whatever their value, they change no answer here; the answer names those that were given. */
const WITHOUT_EFFECT = new Set(
  `cache_prompt id_slot metadata prompt_cache_key prompt_cache_options prompt_cache_retention
  safety_identifier service_tier store user verbosity`.split(/\s+/),
);

const UNSUPPORTED = new Set([
  ...Object.keys(HARMLESS),
  ...'audio function_call functions moderation prediction web_search_options'.split(' '),
]);

/** By which clients of llama-server ask for what happens without the field. */
const UNSET: Record<string, unknown> = { max_tokens: -1, max_completion_tokens: -1, seed: -1 };

/**
 * Drops nulls, which ask for the default, and refuses what hearth does not have. Returns the names of
 * fields that were taken and change nothing.
 */
export function prepareFields(body: unknown, withoutEffect = WITHOUT_EFFECT): string[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('the body must be a JSON object', null);
  const fields = body as Record<string, unknown>;
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const asksNothing = HARMLESS[name]?.some((same) => isDeepStrictEqual(same, value));
    if (value === null || asksNothing || UNSET[name] === value) delete fields[name];
    else if (withoutEffect.has(name)) {
      delete fields[name];
      ignored.push(name);
    } else if (UNSUPPORTED.has(name)) throw unsupported(name);
  }
  return ignored;
}

export function unsupported(name: string, why = ''): ApiError {
  const message = `hearth does not support "${name}"${why ? `: ${why}` : ''}`;
  return badRequest(message, name, 'unsupported_parameter');
}

/** The part of an engine's request that needs neither messages nor a prompt. */
export function commonRequest(
  fields: CommonFields,
  info: EngineInfo | null,
): Omit<GenerateRequest, 'input'> {
  const { stop, max_tokens: maxTokens, overflow, grammar } = fields;
  if (fields.stream_options && !fields.stream)
    throw badRequest('"stream_options" is only for "stream": true', 'stream_options');
  return {
    sampling: sampling(fields, info),
    ...defined({
      maxTokens,
      stop: stop === undefined ? undefined : [stop].flat(),
      overflow,
      withProgress: fields.stream ? fields.return_progress : undefined,
      withTimings: fields.stream ? fields.timings_per_token : undefined,
      grammar: grammar === undefined ? undefined : ({ kind: 'gbnf', text: grammar } as const),
    }),
  };
}

function sampling(fields: CommonFields, info: EngineInfo | null): Sampling {
  const { temperature, top_p, top_k, min_p, repeat_penalty, seed, logit_bias } = fields;
  return defined({
    temperature,
    topP: top_p,
    topK: top_k,
    minP: min_p,
    repeatPenalty: repeat_penalty,
    frequencyPenalty: fields.frequency_penalty,
    presencePenalty: fields.presence_penalty,
    seed: seed === undefined ? undefined : seed % limits.NATIVE_SEEDS,
    logitBias: logit_bias && biases(logit_bias, info),
  });
}

function biases(bias: Record<string, number>, info: EngineInfo | null): Record<number, number> {
  const nVocab = info?.nVocab ?? Number.POSITIVE_INFINITY;
  const beyond = Object.keys(bias).find((tokenId) => Number(tokenId) >= nVocab);
  if (beyond === undefined) return bias;
  throw badRequest(
    `logit_bias: the model has no token ${beyond}, only 0 to ${nVocab - 1}`,
    'logit_bias',
  );
}
