// POST /v1/messages and /v1/messages/count_tokens: Anthropic's API.
// An answer is a list of blocks, thinking, text and tool_use, each of which is opened, filled and closed.
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { EndEvent, StartEvent } from '../engine/engine.js';
import { type AnswerPart, AnswerReader, type AnswerReading } from './answer-parts.js';
import { ANTHROPIC } from './answer-stream.js';
import type { ChoiceEvent } from './answers.js';
import { readChatRequest } from './chat-request.js';
import { type AnswerForm, completionRoute } from './completion-route.js';
import {
  COUNT_SCHEMA,
  chatOf,
  MESSAGES_SCHEMA,
  type MessagesFields,
  prepareMessages,
} from './messages-request.js';
import { useModel } from './requested-model.js';
import type { Service } from './service.js';

const PATH = '/v1/messages';

export function messages(app: FastifyInstance, service: Service): void {
  completionRoute<MessagesFields>(app, service, {
    api: ANTHROPIC,
    path: PATH,
    schema: MESSAGES_SCHEMA,
    prepare: prepareMessages,
    read: (fields, { model }) => {
      const { request, reading } = readChatRequest(chatOf(fields), model.engine.info);
      const form = new MessageAnswer(model.id, reading);
      return { requests: [request], isStreamed: fields.stream ?? false, form };
    },
  });
  app.post(`${PATH}/count_tokens`, {
    schema: { body: COUNT_SCHEMA },
    preValidation: async (request) => void prepareMessages(request.body),
    handler: async ({ body }, reply) => {
      const fields = body as MessagesFields;
      const { engine } = await useModel(service, reply, { name: fields.model, endpoint: null });
      const { input } = readChatRequest(chatOf(fields), engine.info);
      return { input_tokens: await engine.countTokens({ kind: 'chat', ...input }) };
    },
  });
}

type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown };

class MessageAnswer implements AnswerForm {
  readonly #model: string;
  readonly #reader: AnswerReader;
  readonly #id = `msg_${randomUUID()}`;
  readonly #blocks: Block[] = [];
  /** Of the call that is being written. */
  #arguments = '';
  #start: StartEvent | null = null;
  #end: EndEvent | null = null;

  constructor(model: string, reading: AnswerReading) {
    this.#model = model;
    this.#reader = new AnswerReader(reading);
  }

  opening(): object[] {
    return [];
  }

  add({ event }: ChoiceEvent): object[] {
    if (event.kind === 'end') this.#end = event;
    const events = this.#reader.read(event).flatMap((part) => this.#apply(part));
    if (event.kind !== 'start') return events;
    this.#start = event;
    return [{ type: 'message_start', message: this.#message() }, ...events];
  }

  closing(): object[] {
    const { stop_reason, stop_sequence, usage } = this.#message();
    const events = this.#blocks.length === 0 ? this.#open({ type: 'text', text: '' }) : [];
    return [
      ...events,
      ...this.#close(),
      { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage },
      { type: 'message_stop' },
    ];
  }

  whole(): object {
    this.#close();
    const content = this.#blocks.length > 0 ? this.#blocks : [{ type: 'text', text: '' }];
    return { ...this.#message(), content };
  }

  #message() {
    return {
      id: this.#id,
      type: 'message',
      role: 'assistant',
      model: this.#model,
      content: [] as object[],
      stop_reason: this.#end && this.#stopReason(this.#end),
      stop_sequence: this.#end?.stopString ?? null,
      usage: this.#usage(),
    };
  }

  #stopReason({ stopReason }: EndEvent): string {
    if (stopReason === 'stop') return 'stop_sequence';
    if (stopReason !== 'eos') return 'max_tokens';
    return this.#reader.hasCalls ? 'tool_use' : 'end_turn';
  }

  /** Tokens of the prompt that were in the cache count apart, as with Anthropic. */
  #usage(): object {
    const { promptTokens = 0, cachedTokens = 0 } = this.#end?.timings ?? this.#start ?? {};
    return {
      input_tokens: promptTokens - cachedTokens,
      cache_read_input_tokens: cachedTokens,
      cache_creation_input_tokens: 0,
      output_tokens: this.#end?.timings.generatedTokens ?? 0,
    };
  }

  #apply(part: AnswerPart): object[] {
    switch (part.kind) {
      case 'text':
        return [
          ...this.#inBlock({ type: 'text', text: '' }),
          ...this.#delta({ type: 'text_delta', text: part.text }),
        ];
      case 'reasoning':
        return [
          ...this.#inBlock({ type: 'thinking', thinking: '', signature: '' }),
          ...this.#delta({ type: 'thinking_delta', thinking: part.text }),
        ];
      case 'call':
        return this.#open({ type: 'tool_use', id: toolId(part.id), name: part.name, input: {} });
      case 'arguments':
        return this.#delta({ type: 'input_json_delta', partial_json: part.text });
      default:
        throw new Error(`unknown part ${JSON.stringify(part satisfies never)}`);
    }
  }

  #inBlock(block: Block): object[] {
    return this.#blocks.at(-1)?.type === block.type ? [] : this.#open(block);
  }

  #open(block: Block): object[] {
    const closed = this.#close();
    this.#blocks.push(block);
    const index = this.#blocks.length - 1;
    return [...closed, { type: 'content_block_start', index, content_block: { ...block } }];
  }

  #delta(
    delta:
      | { type: 'text_delta'; text: string }
      | { type: 'thinking_delta'; thinking: string }
      | { type: 'input_json_delta'; partial_json: string },
  ): object[] {
    const block = this.#blocks.at(-1);
    if (block?.type === 'text' && delta.type === 'text_delta') block.text += delta.text;
    if (block?.type === 'thinking' && delta.type === 'thinking_delta')
      block.thinking += delta.thinking;
    if (delta.type === 'input_json_delta') this.#arguments += delta.partial_json;
    return [{ type: 'content_block_delta', index: this.#blocks.length - 1, delta }];
  }

  /** A signature is how Anthropic knows its thoughts again; clients want one to be there. */
  #close(): object[] {
    const block = this.#blocks.at(-1);
    if (!block) return [];
    const index = this.#blocks.length - 1;
    if (block.type === 'tool_use') block.input = parsedOrEmpty(this.#arguments);
    this.#arguments = '';
    const signed =
      block.type === 'thinking'
        ? [
            {
              type: 'content_block_delta',
              index,
              delta: { type: 'signature_delta', signature: '' },
            },
          ]
        : [];
    return [...signed, { type: 'content_block_stop', index }];
  }
}

function toolId(callId: string): string {
  return callId.replace(/^call_/, 'toolu_');
}

/** Arguments that were cut short are no JSON; `stop_reason` says that they were. */
function parsedOrEmpty(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
