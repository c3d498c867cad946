// POST /v1/chat/completions: OpenAI's chat, streamed or whole.
// Both forms are told from the same events, so that they cannot differ.
// What a request may hold is chat-request.ts.
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { GenerateEvent } from '../engine/engine.js';
import { chatLogprobs, finishReason, hearthFields, timings, usage } from './answer-fields.js';
import {
  type ChoiceEvent,
  choicesOf,
  type EndEvent,
  type StartEvent,
  startAnswers,
} from './answers.js';
import { CHAT_SCHEMA, type ChatFields, readChatRequest } from './chat-request.js';
import { checkModel } from './models.js';
import { prepareFields } from './request-fields.js';
import type { Service } from './service.js';
import { sendEvents } from './sse.js';
import { ToolCallReader, type ToolDelta } from './tool-call-reader.js';
import type { ToolPlan } from './tools.js';

const PATH = '/v1/chat/completions';

export function chatCompletions(app: FastifyInstance, service: Service): void {
  app.post<{ Body: ChatFields }>(PATH, {
    schema: { body: CHAT_SCHEMA },
    preValidation: async (request) => prepareFields(request.body),
    handler: async ({ body }, reply) => {
      checkModel(service, body.model);
      const { request, tools } = readChatRequest(body, service.engine.info);
      const requests = choicesOf(request, body.n ?? 1);
      const events = await startAnswers(service, reply, requests, PATH);
      const answer = new ChatAnswer(
        service,
        requests.length,
        tools,
        request.topLogprobs !== undefined,
      );
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

async function* chunks(
  answer: ChatAnswer,
  events: AsyncIterable<ChoiceEvent>,
  withUsage: boolean,
): AsyncGenerator<object> {
  const usage = withUsage ? { usage: null } : {};
  for (const chunk of answer.opening()) yield { ...chunk, ...usage };
  for await (const event of events)
    for (const chunk of answer.add(event)) yield { ...chunk, ...usage };
  if (withUsage) yield answer.usageChunk();
}

type Delta = Record<string, unknown>;
type WholeCall = { id: string; type: 'function'; function: { name: string; arguments: string } };

/** Tells events as chunks, and keeps them for the answer as a whole. */
class ChatAnswer {
  readonly #head: Record<string, unknown>;
  readonly #choices: Choice[];

  constructor(service: Service, n: number, tools: ToolPlan | null, withLogprobs: boolean) {
    this.#head = {
      id: `chatcmpl-${randomUUID()}`,
      object: 'chat.completion',
      created: Math.floor(Date.now() / 1000),
      model: service.modelId,
      system_fingerprint: service.engine.info?.llamaCppRelease ?? null,
    };
    this.#choices = Array.from({ length: n }, () => new Choice(tools, withLogprobs));
  }

  opening(): object[] {
    const delta = { role: 'assistant', content: '' };
    return this.#choices.map((_, index) => this.#chunk([{ index, delta, finish_reason: null }]));
  }

  /** The chunks that this event makes. */
  add({ index, event }: ChoiceEvent): object[] {
    const choice = this.#choices[index];
    if (!choice) return [];
    const chunks = choice.add(event).map(({ delta, ...logprobs }) => {
      return this.#chunk([{ index, delta, ...logprobs, finish_reason: null }]);
    });
    if (event.kind !== 'end') return chunks;
    const finish_reason = choice.finishReason;
    const last = this.#chunk([{ index, delta: {}, finish_reason }], choice.report());
    return [...chunks, last];
  }

  usageChunk(): object {
    return this.#chunk([], { usage: usage(this.#ends()) });
  }

  whole(): object {
    const choices = this.#choices.map((choice, index) => ({ index, ...choice.whole() }));
    return { ...this.#head, choices, usage: usage(this.#ends()), ...this.#choices[0]?.report() };
  }

  #chunk(choices: object[], more: object = {}): object {
    return { ...this.#head, object: 'chat.completion.chunk', choices, ...more };
  }

  #ends(): EndEvent[] {
    return this.#choices.flatMap(({ end }) => end ?? []);
  }
}

class Choice {
  readonly #reader: ToolCallReader | null;
  readonly #logprobs: object[] | null;
  /** Of tokens whose text the reader still holds back. */
  #unsentLogprobs: object[] = [];
  #content = '';
  #call: WholeCall | null = null;
  #start: StartEvent | null = null;
  end: EndEvent | null = null;

  constructor(tools: ToolPlan | null, withLogprobs: boolean) {
    this.#reader = tools ? new ToolCallReader(tools.format) : null;
    this.#logprobs = withLogprobs ? [] : null;
  }

  get finishReason(): string | null {
    if (!this.end) return null;
    const reason = finishReason(this.end.stopReason);
    return this.#call && reason === 'stop' ? 'tool_calls' : reason;
  }

  add(event: GenerateEvent): { delta: Delta; logprobs?: { content: object[] } }[] {
    if (event.kind === 'start') this.#start = event;
    if (event.kind === 'end') {
      this.end = event;
      const deltas = (this.#reader?.end() ?? []).map((delta) => this.#apply(delta));
      if (deltas.length === 0 && this.#unsentLogprobs.length > 0) deltas.push({});
      return this.#withLogprobs(deltas);
    }
    if (event.kind !== 'token') return [];
    const deltas = this.#reader?.read(event.text) ?? [{ kind: 'text' as const, text: event.text }];
    if (this.#logprobs && event.logprobs) {
      const content = chatLogprobs(event.logprobs);
      this.#logprobs.push(...content);
      this.#unsentLogprobs.push(...content);
    }
    return this.#withLogprobs(deltas.map((delta) => this.#apply(delta)));
  }

  /** Tokens that became no delta of their own go out with the next. */
  #withLogprobs(deltas: Delta[]): { delta: Delta; logprobs?: { content: object[] } }[] {
    const [first, ...others] = deltas;
    if (!first) return [];
    const content = this.#unsentLogprobs.splice(0);
    const logprobs = content.length > 0 ? { logprobs: { content } } : {};
    return [{ delta: first, ...logprobs }, ...others.map((delta) => ({ delta }))];
  }

  whole(): object {
    const message = {
      role: 'assistant',
      content: this.#call && this.#content === '' ? null : this.#content,
      refusal: null,
      ...(this.#call ? { tool_calls: [this.#call] } : {}),
    };
    const logprobs = this.#logprobs ? { content: this.#logprobs, refusal: null } : null;
    return { message, logprobs, finish_reason: this.finishReason };
  }

  report(): object {
    if (!this.end) return {};
    return { timings: timings(this.end), hearth: hearthFields(this.#start, this.end) };
  }

  #apply(delta: ToolDelta): Delta {
    if (delta.kind === 'text') {
      this.#content += delta.text;
      return { content: delta.text };
    }
    if (delta.kind === 'call') {
      const called = { name: delta.name, arguments: '' };
      this.#call = { id: `call_${randomUUID()}`, type: 'function', function: called };
      return { tool_calls: [{ index: 0, ...this.#call, function: { ...called } }] };
    }
    if (this.#call) this.#call.function.arguments += delta.text;
    return { tool_calls: [{ index: 0, function: { arguments: delta.text } }] };
  }
}
