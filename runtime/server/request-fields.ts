// The fields of OpenAI's requests that chat and completions share: which there are, and what the
// engine makes of them. A field that hearth cannot honour is refused by name, unless its value asks
// for what happens anyway.
import { isDeepStrictEqual } from 'node:util';
import type { EngineInfo, GenerateRequest, Sampling } from '../engine/engine.js';
import {
  MAX_CHOICES,
  MAX_LOGIT_BIASES,
  MAX_MAX_TOKENS,
  MAX_NAME_CHARS,
  MAX_SEED,
  MAX_STOP_CHARS,
  MAX_STOPS,
  MAX_TEXT_CHARS,
  MAX_TOP_K,
  NATIVE_SEEDS,
} from './limits.js';
import { type ApiError, badRequest } from './openai-error.js';

/** Checked by the JSON schema {@link COMMON_FIELDS}. */
export type CommonFields = {
  model?: string;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  max_tokens?: number;
  temperature?: number;
  top_p?: number;
  seed?: number;
  stop?: string | string[];
  n?: number;
  logit_bias?: Record<string, number>;
  /** Of the caller's own user: taken, and without effect here as with OpenAI. */
  user?: string;
  top_k?: number;
  min_p?: number;
  repeat_penalty?: number;
  /** GBNF, as llama-server takes it. */
  grammar?: string;
  /** hearth's own: what to do when the prompt does not fit. */
  overflow?: 'error' | 'drop-oldest';
};

const positive = (maximum: number) => ({ type: 'integer', minimum: 1, maximum });
const stopText = { type: 'string', minLength: 1, maxLength: MAX_STOP_CHARS };

export const COMMON_FIELDS = {
  model: { type: 'string', maxLength: MAX_NAME_CHARS },
  stream: { type: 'boolean' },
  stream_options: {
    type: 'object',
    additionalProperties: false,
    properties: { include_usage: { type: 'boolean' } },
  },
  max_tokens: positive(MAX_MAX_TOKENS),
  temperature: { type: 'number', minimum: 0, maximum: 2 },
  top_p: { type: 'number', minimum: 0, maximum: 1 },
  seed: { type: 'integer', minimum: 0, maximum: MAX_SEED },
  stop: { ...stopText, type: ['string', 'array'], maxItems: MAX_STOPS, items: stopText },
  n: positive(MAX_CHOICES),
  logit_bias: {
    type: 'object',
    maxProperties: MAX_LOGIT_BIASES,
    propertyNames: { pattern: '^[0-9]{1,9}$' },
    additionalProperties: { type: 'number', minimum: -100, maximum: 100 },
  },
  user: { type: 'string', maxLength: MAX_NAME_CHARS },
  top_k: { type: 'integer', minimum: 0, maximum: MAX_TOP_K },
  min_p: { type: 'number', minimum: 0, maximum: 1 },
  repeat_penalty: { type: 'number', exclusiveMinimum: 0, maximum: 10 },
  grammar: { type: 'string', minLength: 1, maxLength: MAX_TEXT_CHARS },
  overflow: { enum: ['error', 'drop-oldest'] },
} as const;

/** OpenAI's fields that hearth does not have, with the values that ask for nothing. */
const UNSUPPORTED: Record<string, unknown[]> = {
  audio: [],
  best_of: [1],
  echo: [false],
  frequency_penalty: [0],
  function_call: [],
  functions: [],
  metadata: [],
  modalities: [['text']],
  moderation: [],
  prediction: [],
  presence_penalty: [0],
  prompt_cache_key: [],
  prompt_cache_options: [],
  prompt_cache_retention: [],
  reasoning_effort: [],
  safety_identifier: [],
  service_tier: ['auto', 'default'],
  store: [false],
  suffix: [''],
  verbosity: [],
  web_search_options: [],
};

/** Drops nulls, which ask for the default, and refuses what hearth does not have. */
export function prepareFields(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('the body must be a JSON object', null);
  const fields = body as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    const harmless = Object.hasOwn(UNSUPPORTED, name) ? UNSUPPORTED[name] : null;
    if (value === null || harmless?.some((same) => isDeepStrictEqual(same, value)))
      delete fields[name];
    else if (harmless) throw unsupported(name);
  }
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
    throw badRequest('"stream_options" is for "stream": true alone', 'stream_options');
  return {
    sampling: sampling(fields, info),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(stop === undefined ? {} : { stop: [stop].flat() }),
    ...(overflow === undefined ? {} : { overflow }),
    ...(grammar === undefined ? {} : { grammar: { kind: 'gbnf', text: grammar } as const }),
  };
}

function sampling(fields: CommonFields, info: EngineInfo | null): Sampling {
  const { temperature, top_p, top_k, min_p, repeat_penalty, seed, logit_bias } = fields;
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(top_p === undefined ? {} : { topP: top_p }),
    ...(top_k === undefined ? {} : { topK: top_k }),
    ...(min_p === undefined ? {} : { minP: min_p }),
    ...(repeat_penalty === undefined ? {} : { repeatPenalty: repeat_penalty }),
    ...(seed === undefined ? {} : { seed: seed % NATIVE_SEEDS }),
    ...(logit_bias === undefined ? {} : { logitBias: biases(logit_bias, info) }),
  };
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
