// POST /v1/chat/completions: OpenAI's chat, streamed or whole.
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { GenerateEvent, TokenLogprob } from '../engine/engine.js';
import { choicesOf } from './answers.js';
import { CHAT_SCHEMA, type ChatFields, readChatRequest } from './chat-request.js';
import { type Choice, completionRoute, finite } from './completion-route.js';
import type { Service } from './service.js';
import { ToolCallReader, type ToolDelta } from './tool-call-reader.js';
import type { ToolPlan } from './tools.js';

export function chatCompletions(app: FastifyInstance, service: Service): void {
  completionRoute<ChatFields>(app, service, {
    path: '/v1/chat/completions',
    schema: CHAT_SCHEMA,
    idPrefix: 'chatcmpl',
    object: 'chat.completion',
    chunkObject: 'chat.completion.chunk',
    sharesPrompt: true,
    read: (fields, info) => {
      const { request, tools } = readChatRequest(fields, info);
      const withLogprobs = request.topLogprobs !== undefined;
      return {
        requests: choicesOf(request, fields.n ?? 1),
        newChoice: () => new ChatChoice(tools, withLogprobs),
      };
    },
  });
}

type Delta = Record<string, unknown>;
type DeltaFields = { delta: Delta; logprobs?: { content: object[] } };
type WholeCall = { id: string; type: 'function'; function: { name: string; arguments: string } };

class ChatChoice implements Choice {
  readonly opening = { delta: { role: 'assistant', content: '' } };
  readonly closing = { delta: {} };
  readonly #reader: ToolCallReader | null;
  readonly #logprobs: object[] | null;
  /** Of tokens whose text the reader still holds back. */
  #unsentLogprobs: object[] = [];
  #content = '';
  #call: WholeCall | null = null;

  constructor(tools: ToolPlan | null, withLogprobs: boolean) {
    this.#reader = tools ? new ToolCallReader(tools.format) : null;
    this.#logprobs = withLogprobs ? [] : null;
  }

  finishReason(reason: 'stop' | 'length'): string {
    return this.#call && reason === 'stop' ? 'tool_calls' : reason;
  }

  add(event: GenerateEvent): DeltaFields[] {
    if (event.kind === 'end') {
      const deltas = (this.#reader?.end() ?? []).map((delta) => this.#apply(delta));
      if (deltas.length === 0 && this.#unsentLogprobs.length > 0) deltas.push({});
      return this.#withLogprobs(deltas);
    }
    if (event.kind !== 'token') return [];
    const deltas = this.#reader?.read(event.text) ?? [{ kind: 'text' as const, text: event.text }];
    if (this.#logprobs && event.logprobs) {
      const content = event.logprobs.map(({ top, ...chosen }) => {
        return { ...chatLogprob(chosen), top_logprobs: top.map(chatLogprob) };
      });
      this.#logprobs.push(...content);
      this.#unsentLogprobs.push(...content);
    }
    return this.#withLogprobs(deltas.map((delta) => this.#apply(delta)));
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
    const message = {
      role: 'assistant',
      content: this.#call && this.#content === '' ? null : this.#content,
      refusal: null,
      ...(this.#call ? { tool_calls: [this.#call] } : {}),
    };
    return { message, logprobs: this.#logprobs && { content: this.#logprobs, refusal: null } };
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

function chatLogprob({ token, logprob }: TokenLogprob): object {
  return { token, logprob: finite(logprob), bytes: [...Buffer.from(token)] };
}
