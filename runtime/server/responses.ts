// POST /v1/responses: OpenAI's newer API, without a memory: each request brings its conversation along.
// An answer is a list of items, reasoning, messages and function calls; its stream tells of each when it is
// added, how it grows, and when it is done.
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { EndEvent, StartEvent, Timings } from '../engine/engine.js';
import {
  type Beside,
  finishReason,
  hearthFields,
  progressFields,
  timingFields,
} from './answer-figures.js';
import { type AnswerPart, AnswerReader, type AnswerReading } from './answer-parts.js';
import { RESPONSES } from './answer-stream.js';
import type { ChoiceEvent } from './answers.js';
import { readChatRequest } from './chat-request.js';
import { type AnswerForm, completionRoute } from './completion-route.js';
import type { RequestedModel } from './requested-model.js';
import {
  chatOf,
  prepareResponses,
  RESPONSES_SCHEMA,
  type ResponsesFields,
} from './responses-request.js';
import type { Service } from './service.js';

const SKIPPED_HEADER = 'x-hearth-skipped-tools';

export function responses(app: FastifyInstance, service: Service): void {
  completionRoute<ResponsesFields>(app, service, {
    api: RESPONSES,
    path: '/v1/responses',
    schema: RESPONSES_SCHEMA,
    prepare: prepareResponses,
    read: (fields, { model, ignored, reply }) => {
      const { chat, skipped } = chatOf(fields);
      const { request, reading } = readChatRequest(chat, model.engine.info);
      // A header holds no other characters than these.
      if (skipped.length > 0)
        reply.header(
          SKIPPED_HEADER,
          skipped
            .join(', ')
            .replace(/[^ -~]/g, '?')
            .slice(0, 1024),
        );
      const form = new ResponseAnswer(model, fields, reading, ignored);
      return { requests: [request], isStreamed: fields.stream ?? false, form };
    },
  });
}

type Item = { id: string; type: string; status: string; [field: string]: unknown };

class ResponseAnswer implements AnswerForm {
  readonly #head: Record<string, unknown>;
  readonly #reader: AnswerReader;
  readonly #beside: Beside;
  readonly #items: Item[] = [];
  #text = '';
  #sequence = 0;
  #timings: Timings | undefined;
  #start: StartEvent | null = null;
  #end: EndEvent | null = null;

  constructor(
    model: RequestedModel,
    fields: ResponsesFields,
    reading: AnswerReading,
    ignored: string[],
  ) {
    this.#reader = new AnswerReader(reading);
    this.#beside = { ignored, loadMs: model.loadMs };
    this.#head = {
      id: `resp_${randomUUID()}`,
      object: 'response',
      created_at: Math.floor(Date.now() / 1000),
      model: model.id,
      instructions: fields.instructions ?? null,
      max_output_tokens: fields.max_output_tokens ?? null,
      parallel_tool_calls: fields.parallel_tool_calls ?? true,
      previous_response_id: null,
      store: false,
      temperature: fields.temperature ?? null,
      top_p: fields.top_p ?? null,
      tool_choice: fields.tool_choice ?? 'auto',
      tools: fields.tools ?? [],
      text: fields.text ?? { format: { type: 'text' } },
      metadata: {},
    };
  }

  opening(): object[] {
    return [
      this.#event('response.created', { response: this.#response() }),
      this.#event('response.in_progress', { response: this.#response() }),
    ];
  }

  add({ event }: ChoiceEvent): object[] {
    if (event.kind === 'start') this.#start = event;
    if (event.kind === 'progress') {
      const prompt_progress = progressFields(this.#start, event);
      return [this.#event('response.in_progress', { response: this.#response(), prompt_progress })];
    }
    if (event.kind === 'end') this.#end = event;
    if (event.kind === 'token') this.#timings = event.timings;
    return this.#reader.read(event).flatMap((part) => this.#apply(part));
  }

  closing(): object[] {
    // As llama-server's, whatever the reason: `status` and `incomplete_details` tell it.
    const fields = () => ({ response: this.#response(), ...this.#report() });
    return [...this.#close(), this.#event('response.completed', fields())];
  }

  whole(): object {
    this.#close();
    return { ...this.#response(), ...this.#report() };
  }

  #status(): string {
    if (!this.#end) return 'in_progress';
    return finishReason(this.#end.stopReason) === 'stop' ? 'completed' : 'incomplete';
  }

  #response(): Record<string, unknown> {
    const status = this.#status();
    return {
      ...this.#head,
      status,
      error: null,
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      output: structuredClone(this.#items),
      usage: this.#end && usage(this.#end),
    };
  }

  #report(): object {
    if (!this.#end) return {};
    const hearth = hearthFields(this.#start, this.#end, this.#beside);
    return { timings: timingFields(this.#end.timings), hearth };
  }

  #event(type: string, fields: object): object {
    return { type, sequence_number: this.#sequence++, ...fields };
  }

  #apply(part: AnswerPart): object[] {
    switch (part.kind) {
      case 'text':
        return [...this.#inItem('message'), this.#delta('response.output_text.delta', part.text)];
      case 'reasoning':
        return [
          ...this.#inItem('reasoning'),
          this.#delta('response.reasoning_text.delta', part.text),
        ];
      case 'call': {
        const call = { call_id: part.id, name: part.name, arguments: '' };
        return this.#open({ ...this.#item('function_call', 'fc'), ...call });
      }
      case 'arguments':
        return [this.#delta('response.function_call_arguments.delta', part.text)];
      default:
        throw new Error(`unknown part ${JSON.stringify(part satisfies never)}`);
    }
  }

  #item(type: string, prefix: string): Item {
    return { id: `${prefix}_${randomUUID()}`, type, status: 'in_progress' };
  }

  #inItem(type: 'message' | 'reasoning'): object[] {
    if (this.#items.at(-1)?.type === type) return [];
    if (type === 'reasoning')
      return this.#open({ ...this.#item(type, 'rs'), summary: [], content: [] });
    return this.#open({ ...this.#item(type, 'msg'), role: 'assistant', content: [] });
  }

  #open(item: Item): object[] {
    const closed = this.#close();
    this.#items.push(item);
    this.#text = '';
    const place = this.#place();
    const added = this.#event('response.output_item.added', {
      output_index: place.output_index,
      item: structuredClone(item),
    });
    if (item.type === 'function_call') return [...closed, added];
    const opened = { ...place, content_index: 0, part: partOf(item.type, '') };
    return [...closed, added, this.#event('response.content_part.added', opened)];
  }

  #place(): { item_id: string; output_index: number } {
    return { item_id: this.#items.at(-1)?.id ?? '', output_index: this.#items.length - 1 };
  }

  #delta(type: string, delta: string): object {
    this.#text += delta;
    const isCall = type === 'response.function_call_arguments.delta';
    const timings = this.#timings ? { timings: timingFields(this.#timings) } : {};
    const content = isCall ? {} : { content_index: 0 };
    const logprobs = type === 'response.output_text.delta' ? { logprobs: [] } : {};
    return this.#event(type, { ...this.#place(), ...content, delta, ...logprobs, ...timings });
  }

  #close(): object[] {
    const item = this.#items.at(-1);
    if (!item || item.status === 'completed') return [];
    item.status = 'completed';
    const [place, text] = [this.#place(), this.#text];
    const done = () =>
      this.#event('response.output_item.done', {
        output_index: place.output_index,
        item: structuredClone(item),
      });
    if (item.type === 'function_call') {
      item.arguments = text;
      const fields = { ...place, name: item.name, arguments: text };
      return [this.#event('response.function_call_arguments.done', fields), done()];
    }
    const part = partOf(item.type, text);
    item.content = [part];
    const kind = item.type === 'reasoning' ? 'reasoning_text' : 'output_text';
    const logprobs = kind === 'output_text' ? { logprobs: [] } : {};
    return [
      this.#event(`response.${kind}.done`, { ...place, content_index: 0, text, ...logprobs }),
      this.#event('response.content_part.done', { ...place, content_index: 0, part }),
      done(),
    ];
  }
}

function partOf(type: string, text: string): object {
  if (type === 'reasoning') return { type: 'reasoning_text', text };
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function usage({ timings: t }: EndEvent): object {
  return {
    input_tokens: t.promptTokens,
    input_tokens_details: { cached_tokens: t.cachedTokens },
    output_tokens: t.generatedTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: t.promptTokens + t.generatedTokens,
  };
}
