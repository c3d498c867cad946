// POST /v1/completions: text in, its continuation out, without a chat template.
// Several prompts and `n` make choices in OpenAI's order: all of the first prompt first.
// The prompt's own bos token is the engine's to add.
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { GenerateInput, GenerateRequest } from '../engine/engine.js';
import { finishReason, finite, hearthFields, timings } from './answer-fields.js';
import {
  type ChoiceEvent,
  choicesOf,
  type EndEvent,
  type StartEvent,
  startAnswers,
  type TokenEvent,
} from './answers.js';
import { MAX_CHOICES, MAX_INPUTS, MAX_TEXT_CHARS, MAX_TOKEN_IDS } from './limits.js';
import { checkModel } from './models.js';
import { badRequest } from './openai-error.js';
import {
  COMMON_FIELDS,
  type CommonFields,
  commonRequest,
  prepareFields,
} from './request-fields.js';
import type { Service } from './service.js';
import { sendEvents } from './sse.js';

const PATH = '/v1/completions';
/** OpenAI's limit for this older form. */
const MAX_LOGPROBS = 5;

type CompletionFields = CommonFields & {
  prompt: string | string[] | number[] | number[][];
  logprobs?: number;
};

const SCHEMA = {
  type: 'object',
  required: ['prompt'],
  additionalProperties: false,
  properties: {
    ...COMMON_FIELDS,
    prompt: {
      type: ['string', 'array'],
      maxLength: MAX_TEXT_CHARS,
      minItems: 1,
      maxItems: MAX_TOKEN_IDS,
      items: {
        type: ['string', 'integer', 'array'],
        maxLength: MAX_TEXT_CHARS,
        minimum: 0,
        minItems: 1,
        maxItems: MAX_TOKEN_IDS,
        items: { type: 'integer', minimum: 0 },
      },
    },
    logprobs: { type: 'integer', minimum: 0, maximum: MAX_LOGPROBS },
  },
};

export function completions(app: FastifyInstance, service: Service): void {
  app.post<{ Body: CompletionFields }>(PATH, {
    schema: { body: SCHEMA },
    preValidation: async (request) => prepareFields(request.body),
    handler: async ({ body }, reply) => {
      checkModel(service, body.model);
      const requests = readRequests(body, service);
      const events = await startAnswers(service, reply, requests, PATH);
      const answer = new TextAnswer(service, requests.length);
      if (body.stream)
        return sendEvents(
          reply,
          chunks(answer, events, body.stream_options?.include_usage ?? false),
        );
      for await (const event of events) answer.add(event);
      return answer.whole();
    },
  });
}

function readRequests(fields: CompletionFields, { engine: { info } }: Service): GenerateRequest[] {
  const common = commonRequest(fields, info);
  const topLogprobs = fields.logprobs === undefined ? {} : { topLogprobs: fields.logprobs };
  const inputs = readPrompts(fields.prompt, info?.nVocab ?? Number.POSITIVE_INFINITY);
  const n = fields.n ?? 1;
  if (inputs.length * n > MAX_CHOICES)
    throw badRequest(
      `${inputs.length} prompts times n ${n} are more than ${MAX_CHOICES} answers`,
      'prompt',
    );
  return inputs.flatMap((input) => choicesOf({ ...common, ...topLogprobs, input }, n));
}

function readPrompts(prompt: CompletionFields['prompt'], nVocab: number): GenerateInput[] {
  const isOne = typeof prompt === 'string' || typeof prompt[0] === 'number';
  const prompts = (isOne ? [prompt] : prompt) as (string | number[])[];
  if (prompts.length > MAX_INPUTS)
    throw badRequest(`${prompts.length} prompts are more than ${MAX_INPUTS}`, 'prompt');
  return prompts.map((item) => readPrompt(item, nVocab));
}

function readPrompt(prompt: string | number[], nVocab: number): GenerateInput {
  if (typeof prompt === 'string') return { kind: 'text', text: prompt };
  if (!Array.isArray(prompt) || prompt.some((token) => typeof token !== 'number'))
    throw badRequest('prompt must hold texts alone or token ids alone', 'prompt');
  checkTokenIds(prompt, nVocab, 'prompt');
  return { kind: 'tokens', tokens: prompt };
}

/** llama.cpp stops the process at an id outside the vocabulary. */
export function checkTokenIds(tokenIds: number[], nVocab: number, param: string): void {
  const beyond = tokenIds.find((tokenId) => tokenId >= nVocab);
  if (beyond === undefined) return;
  throw badRequest(`${param}: the model has no token ${beyond}, only 0 to ${nVocab - 1}`, param);
}

async function* chunks(
  answer: TextAnswer,
  events: AsyncIterable<ChoiceEvent>,
  withUsage: boolean,
): AsyncGenerator<object> {
  const usage = withUsage ? { usage: null } : {};
  for await (const event of events) {
    const chunk = answer.add(event);
    if (chunk) yield { ...chunk, ...usage };
  }
  if (withUsage) yield answer.usageChunk();
}

type LegacyLogprobs = {
  tokens: string[];
  token_logprobs: number[];
  top_logprobs: Record<string, number>[];
  text_offset: number[];
};
type TextChoice = {
  text: string;
  start: StartEvent | null;
  end: EndEvent | null;
  logprobs: LegacyLogprobs | null;
  report: object;
};

class TextAnswer {
  readonly #head: Record<string, unknown>;
  readonly #choices: TextChoice[];

  constructor(service: Service, n: number) {
    this.#head = {
      id: `cmpl-${randomUUID()}`,
      object: 'text_completion',
      created: Math.floor(Date.now() / 1000),
      model: service.modelId,
      system_fingerprint: service.engine.info?.llamaCppRelease ?? null,
    };
    this.#choices = Array.from({ length: n }, () => {
      return { text: '', start: null, end: null, logprobs: null, report: {} };
    });
  }

  add({ index, event }: ChoiceEvent): object | null {
    const choice = this.#choices[index];
    if (!choice) return null;
    if (event.kind === 'start') choice.start = event;
    if (event.kind === 'token') return this.#token(index, choice, event);
    if (event.kind !== 'end') return null;
    choice.end = event;
    choice.report = { timings: timings(event), hearth: hearthFields(choice.start, event) };
    const finish_reason = finishReason(event.stopReason);
    return {
      ...this.#head,
      choices: [{ index, text: '', logprobs: null, finish_reason }],
      ...choice.report,
    };
  }

  usageChunk(): object {
    return { ...this.#head, choices: [], usage: this.#usage() };
  }

  whole(): object {
    const choices = this.#choices.map(({ text, end, logprobs }, index) => {
      return { index, text, logprobs, finish_reason: end && finishReason(end.stopReason) };
    });
    return { ...this.#head, choices, usage: this.#usage(), ...this.#choices[0]?.report };
  }

  #token(index: number, choice: TextChoice, event: TokenEvent): object {
    const logprobs = event.logprobs ? legacyLogprobs(event.logprobs, choice.text.length) : null;
    choice.text += event.text;
    if (logprobs) choice.logprobs = choice.logprobs ? joined(choice.logprobs, logprobs) : logprobs;
    const finish_reason = null;
    return { ...this.#head, choices: [{ index, text: event.text, logprobs, finish_reason }] };
  }

  /** Unlike in chat, every choice may have a prompt of its own; `n` of one count it each time. */
  #usage(): object {
    const all = this.#choices.flatMap(({ end }) => end?.timings ?? []);
    const prompt = all.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
    const completion = all.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0);
    return {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
    };
  }
}

function legacyLogprobs(
  logprobs: NonNullable<TokenEvent['logprobs']>,
  offset: number,
): LegacyLogprobs {
  let textOffset = offset;
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => finite(logprob)),
    top_logprobs: logprobs.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, finite(logprob)])),
    ),
    text_offset: logprobs.map(({ token }) => {
      textOffset += token.length;
      return textOffset - token.length;
    }),
  };
}

function joined(first: LegacyLogprobs, second: LegacyLogprobs): LegacyLogprobs {
  first.tokens.push(...second.tokens);
  first.token_logprobs.push(...second.token_logprobs);
  first.top_logprobs.push(...second.top_logprobs);
  first.text_offset.push(...second.text_offset);
  return first;
}
