// POST /v1/completions: text in, its continuation out, without a chat template.
// Several prompts and `n` make choices in OpenAI's order: all of the first prompt first.
import type { FastifyInstance } from 'fastify';
import type { FromSchema } from 'json-schema-to-ts';
import { defined } from '../defined.js';
import type {
  EngineInfo,
  GenerateEvent,
  GenerateInput,
  GenerateRequest,
  TokenLogprobs,
} from '../engine/engine.js';
import { OPENAI } from './answer-stream.js';
import { choicesOf } from './answers.js';
import { completionRoute } from './completion-route.js';
import * as limits from './limits.js';
import { type Choice, finite, OpenAiAnswer } from './openai-answer.js';
import { badRequest } from './openai-error.js';
import {
  COMMON_FIELDS,
  commonRequest,
  integer,
  objectOf,
  prepareFields,
} from './request-fields.js';
import type { Service } from './service.js';

/** OpenAI's limit for this older form. */
const MAX_LOGPROBS = 5;

const SCHEMA = objectOf(['prompt'], {
  ...COMMON_FIELDS,
  prompt: {
    type: ['string', 'array'],
    maxLength: limits.MAX_TEXT_CHARS,
    minItems: 1,
    maxItems: limits.MAX_TOKEN_IDS,
    items: {
      type: ['string', 'integer', 'array'],
      maxLength: limits.MAX_TEXT_CHARS,
      minimum: 0,
      minItems: 1,
      maxItems: limits.MAX_TOKEN_IDS,
      items: { type: 'integer', minimum: 0 },
    },
  },
  logprobs: integer(0, MAX_LOGPROBS),
});

type CompletionFields = FromSchema<typeof SCHEMA>;

export function completions(app: FastifyInstance, service: Service): void {
  completionRoute<CompletionFields>(app, service, {
    api: OPENAI,
    path: '/v1/completions',
    schema: SCHEMA,
    prepare: (body) => prepareFields(body),
    read: (fields, { model, ignored }) => {
      const requests = readRequests(fields, model.engine.info);
      const choices = requests.map(() => new TextChoice());
      const form = new OpenAiAnswer({ model, frame: FRAME, choices, fields, ignored });
      return { requests, isStreamed: fields.stream ?? false, form };
    },
  });
}

const FRAME = {
  idPrefix: 'cmpl',
  object: 'text_completion',
  chunkObject: 'text_completion',
  sharesPrompt: false,
} as const;

function readRequests(fields: CompletionFields, info: EngineInfo | null): GenerateRequest[] {
  const common = commonRequest(fields, info);
  const asked = defined({ topLogprobs: fields.logprobs });
  const inputs = readPrompts(fields.prompt, info?.nVocab ?? Number.POSITIVE_INFINITY);
  const n = fields.n ?? 1;
  if (inputs.length * n > limits.MAX_CHOICES)
    throw badRequest(
      `${inputs.length} prompts times n ${n} are more than ${limits.MAX_CHOICES} answers`,
      'prompt',
    );
  return inputs.flatMap((input) => choicesOf({ ...common, ...asked, input }, n));
}

function readPrompts(prompt: CompletionFields['prompt'], nVocab: number): GenerateInput[] {
  const isOne = typeof prompt === 'string' || typeof prompt[0] === 'number';
  const prompts = (isOne ? [prompt] : prompt) as (string | number[])[];
  if (prompts.length > limits.MAX_INPUTS)
    throw badRequest(`${prompts.length} prompts are more than ${limits.MAX_INPUTS}`, 'prompt');
  return prompts.map((item) => readPrompt(item, nVocab));
}

function readPrompt(prompt: string | number[], nVocab: number): GenerateInput {
  if (typeof prompt === 'string') return { kind: 'text', text: prompt };
  if (!Array.isArray(prompt) || prompt.some((token) => typeof token !== 'number'))
    throw badRequest('prompt must hold only texts or only token ids', 'prompt');
  checkTokenIds(prompt, nVocab, 'prompt');
  return { kind: 'tokens', tokens: prompt };
}

/** llama.cpp stops the process at an id outside the vocabulary. */
export function checkTokenIds(tokenIds: number[], nVocab: number, param: string): void {
  const beyond = tokenIds.find((tokenId) => tokenId >= nVocab);
  if (beyond === undefined) return;
  throw badRequest(`${param}: the model has no token ${beyond}, only 0 to ${nVocab - 1}`, param);
}

class TextChoice implements Choice {
  readonly opening = null;
  readonly closing = { text: '', logprobs: null };
  #text = '';
  #logprobs: PlacedLogprobs[] | null = null;

  add(event: GenerateEvent): object[] {
    if (event.kind !== 'token') return [];
    const { text } = event;
    const logprobs = event.logprobs ? placed(event.logprobs, this.#text.length) : null;
    this.#text += text;
    if (logprobs) this.#logprobs = [...(this.#logprobs ?? []), ...logprobs];
    return [{ text, logprobs: logprobs && legacyLogprobs(logprobs) }];
  }

  whole(): object {
    return { text: this.#text, logprobs: this.#logprobs && legacyLogprobs(this.#logprobs) };
  }

  finishReason(reason: 'stop' | 'length'): string {
    return reason;
  }
}

type PlacedLogprobs = TokenLogprobs & { offset: number };

function placed(logprobs: TokenLogprobs[], start: number): PlacedLogprobs[] {
  let offset = start;
  return logprobs.map((entry) => {
    offset += entry.token.length;
    return { ...entry, offset: offset - entry.token.length };
  });
}

function legacyLogprobs(logprobs: PlacedLogprobs[]): object {
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => finite(logprob)),
    top_logprobs: logprobs.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, finite(logprob)])),
    ),
    text_offset: logprobs.map(({ offset }) => offset),
  };
}
