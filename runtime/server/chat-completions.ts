// POST /v1/chat/completions: OpenAI's chat, streamed or whole; and what its prompt would cost.
import type { FastifyInstance } from 'fastify';
import type { GenerateEvent, TokenLogprob } from '../engine/engine.js';
import { type AnswerPart, AnswerReader, type AnswerReading } from './answer-parts.js';
import { OPENAI } from './answer-stream.js';
import { choicesOf } from './answers.js';
import { CHAT_SCHEMA, type ChatFields, prepareChat, readChatRequest } from './chat-request.js';
import { completionRoute } from './completion-route.js';
import { type Choice, finite, OpenAiAnswer } from './openai-answer.js';
import { useModel } from './requested-model.js';
import type { Service } from './service.js';

const PATH = '/v1/chat/completions';

const FRAME = {
  idPrefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  sharesPrompt: true,
} as const;

export function chatCompletions(app: FastifyInstance, service: Service): void {
  completionRoute<ChatFields>(app, service, {
    api: OPENAI,
    path: PATH,
    schema: CHAT_SCHEMA,
    prepare: prepareChat,
    read: async (fields, { model, ignored }) => {
      const { request, input, reading } = readChatRequest(fields, model.engine.info);
      const requests = choicesOf(request, fields.n ?? 1);
      const withLogprobs = request.topLogprobs !== undefined;
      const choices = requests.map(() => new ChatChoice(reading, withLogprobs));
      const shown = fields.verbose
        ? { more: { __verbose: { prompt: await model.engine.applyTemplate(input) } } }
        : {};
      const form = new OpenAiAnswer({ model, frame: FRAME, choices, fields, ignored, ...shown });
      return { requests, isStreamed: fields.stream ?? false, form };
    },
  });
  app.post(`${PATH}/input_tokens`, {
    schema: { body: CHAT_SCHEMA },
    preValidation: async (request) => void prepareChat(request.body),
    handler: async ({ body }, reply) => {
      const fields = body as ChatFields;
      const { engine } = await useModel(service, reply, { name: fields.model, endpoint: null });
      const { input } = readChatRequest(fields, engine.info);
      const input_tokens = await engine.countTokens({ kind: 'chat', ...input });
      return { object: 'response.input_tokens', input_tokens };
    },
  });
}

type Delta = Record<string, unknown>;
type DeltaFields = { delta: Delta; logprobs?: { content: object[] } };
type WholeCall = { id: string; type: 'function'; function: { name: string; arguments: string } };

class ChatChoice implements Choice {
  readonly opening = { delta: { role: 'assistant', content: null } };
  readonly closing = { delta: {} };
  readonly #reader: AnswerReader;
  readonly #logprobs: object[] | null;
  /** Of tokens whose text the reader still holds back. */
  #unsentLogprobs: object[] = [];
  #content = '';
  #reasoning = '';
  readonly #calls: WholeCall[] = [];

  constructor(reading: AnswerReading, withLogprobs: boolean) {
    this.#reader = new AnswerReader(reading);
    this.#logprobs = withLogprobs ? [] : null;
  }

  finishReason(reason: 'stop' | 'length'): string {
    return this.#calls.length > 0 && reason === 'stop' ? 'tool_calls' : reason;
  }

  add(event: GenerateEvent): DeltaFields[] {
    const deltas = this.#reader.read(event).map((part) => this.#apply(part));
    if (event.kind === 'end') {
      if (deltas.length === 0 && this.#unsentLogprobs.length > 0) deltas.push({});
    } else if (event.kind === 'token' && this.#logprobs && event.logprobs) {
      const content = event.logprobs.map(({ top, ...chosen }) => {
        return { ...chatLogprob(chosen), top_logprobs: top.map(chatLogprob) };
      });
      this.#logprobs.push(...content);
      this.#unsentLogprobs.push(...content);
    }
    return this.#withLogprobs(deltas);
  }

  /** Tokens that became no delta of their own go out with the next. */
  #withLogprobs(deltas: Delta[]): DeltaFields[] {
    const [first, ...others] = deltas;
    if (!first) return [];
    const content = this.#unsentLogprobs.splice(0);
    const logprobs = content.length > 0 ? { logprobs: { content } } : {};
    return [{ delta: first, ...logprobs }, ...others.map((delta) => ({ delta }))];
  }

  whole(): object {
    const isCall = this.#calls.length > 0;
    const message = {
      role: 'assistant',
      content: isCall && this.#content === '' ? null : this.#content,
      refusal: null,
      ...(this.#reasoning === '' ? {} : { reasoning_content: this.#reasoning }),
      ...(isCall ? { tool_calls: this.#calls } : {}),
    };
    return { message, logprobs: this.#logprobs && { content: this.#logprobs, refusal: null } };
  }

  #apply(part: AnswerPart): Delta {
    switch (part.kind) {
      case 'text':
        this.#content += part.text;
        return { content: part.text };
      case 'reasoning':
        this.#reasoning += part.text;
        return { reasoning_content: part.text };
      case 'call': {
        const called = { name: part.name, arguments: '' };
        const call: WholeCall = { id: part.id, type: 'function', function: called };
        this.#calls.push(call);
        return { tool_calls: [{ index: part.index, ...call, function: { ...called } }] };
      }
      case 'arguments': {
        const call = this.#calls[part.index];
        if (call) call.function.arguments += part.text;
        return { tool_calls: [{ index: part.index, function: { arguments: part.text } }] };
      }
      default:
        throw new Error(`unknown part ${JSON.stringify(part satisfies never)}`);
    }
  }
}

function chatLogprob({ token, logprob }: TokenLogprob): object {
  return { token, logprob: finite(logprob), bytes: [...Buffer.from(token)] };
}
