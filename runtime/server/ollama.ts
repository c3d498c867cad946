// Ollama's /api/chat, /api/generate, /api/tags and /api/show, for the clients that speak nothing else.
// Streams are lines of JSON, and are the default; durations are nanoseconds.
import type { FastifyInstance } from 'fastify';
import type {
  EndEvent,
  EngineInfo,
  GenerateRequest,
  ModelFile,
  StartEvent,
} from '../engine/engine.js';
import type { ServedModel } from '../models/served-model.js';
import { finishReason, hearthFields } from './answer-figures.js';
import { type AnswerPart, AnswerReader, type AnswerReading } from './answer-parts.js';
import { OLLAMA } from './answer-stream.js';
import type { ChoiceEvent } from './answers.js';
import { readChatRequest } from './chat-request.js';
import { type AnswerForm, completionRoute } from './completion-route.js';
import {
  CHAT_SCHEMA,
  chatOf,
  GENERATE_SCHEMA,
  type OllamaChatFields,
  type OllamaGenerateFields,
  prepareOllama,
  promptChatOf,
  sampling,
} from './ollama-request.js';
import { NAME } from './request-fields.js';
import { findModel, type RequestedModel } from './requested-model.js';
import type { Service } from './service.js';

/** Who asks nothing wants the model to be ready. */
const LOAD_ONLY: GenerateRequest[] = [];

export function ollama(app: FastifyInstance, service: Service): void {
  completionRoute<OllamaChatFields>(app, service, {
    api: OLLAMA,
    path: '/api/chat',
    schema: CHAT_SCHEMA,
    prepare: prepareOllama,
    read: (fields, { model, ignored }) => {
      const { request, reading } = readChatRequest(chatOf(fields), model.engine.info);
      const form = new OllamaAnswer({ model, reading, ignored, speak: asMessage });
      const requests = fields.messages.length > 0 ? [request] : LOAD_ONLY;
      return { requests, isStreamed: fields.stream ?? true, form };
    },
  });
  completionRoute<OllamaGenerateFields>(app, service, {
    api: OLLAMA,
    path: '/api/generate',
    schema: GENERATE_SCHEMA,
    prepare: prepareOllama,
    read: (fields, { model, ignored }) => {
      const { request, reading } = readGenerate(fields, model.engine.info);
      const form = new OllamaAnswer({ model, reading, ignored, speak: asResponse });
      const requests = fields.prompt ? [request] : LOAD_ONLY;
      return { requests, isStreamed: fields.stream ?? true, form };
    },
  });
  app.get('/api/tags', async () => {
    return { models: service.models.models.map((model) => tag(model, service)) };
  });
  app.post<{ Body: { model?: string; name?: string } }>('/api/show', {
    schema: { body: { type: 'object', properties: { model: NAME, name: NAME } } },
    handler: async ({ body }) => show(findModel(service, body.model ?? body.name), service),
  });
}

function readGenerate(fields: OllamaGenerateFields, info: EngineInfo | null) {
  const { raw = false, prompt = '', ...common } = fields;
  if (!raw) return readChatRequest(promptChatOf({ prompt, ...common }), info);
  const { request } = readChatRequest(
    { messages: [{ role: 'user', content: prompt }], ...sampling(common) },
    info,
  );
  const bare: GenerateRequest = { ...request, input: { kind: 'text', text: prompt } };
  return { request: bare, reading: { format: null, splitsThinking: false } };
}

type Said = { text: string; thought: string; calls: object[] };
type AnswerOptions = {
  model: RequestedModel;
  reading: AnswerReading;
  ignored: string[];
  speak: (said: Said) => object;
};

function asMessage({ text, thought, calls }: Said): object {
  const thinking = thought === '' ? {} : { thinking: thought };
  const tool_calls = calls.length === 0 ? {} : { tool_calls: calls };
  return { message: { role: 'assistant', content: text, ...thinking, ...tool_calls } };
}

function asResponse({ text, thought }: Said): object {
  return { response: text, ...(thought === '' ? {} : { thinking: thought }) };
}

class OllamaAnswer implements AnswerForm {
  readonly #options: AnswerOptions;
  readonly #reader: AnswerReader;
  readonly #said: Said = { text: '', thought: '', calls: [] };
  /** Calls go out whole. */
  #call: { id: string; name: string; text: string } | null = null;
  #start: StartEvent | null = null;
  #end: EndEvent | null = null;

  constructor(options: AnswerOptions) {
    this.#options = options;
    this.#reader = new AnswerReader(options.reading);
  }

  opening(): object[] {
    return [];
  }

  add({ event }: ChoiceEvent): object[] {
    if (event.kind === 'start') this.#start = event;
    if (event.kind === 'end') this.#end = event;
    const parts = this.#reader.read(event);
    const said = [
      ...parts.flatMap((part) => this.#apply(part)),
      ...(this.#end ? this.#endCall() : []),
    ];
    return said.map((one) => ({ ...this.#head(), ...this.#options.speak(one), done: false }));
  }

  closing(): object[] {
    return [{ ...this.#head(), ...this.#options.speak(NOTHING), ...this.#figures() }];
  }

  whole(): object {
    return { ...this.#head(), ...this.#options.speak(this.#said), ...this.#figures() };
  }

  #head(): object {
    return { model: this.#options.model.id, created_at: new Date().toISOString() };
  }

  #figures(): object {
    if (!this.#end) return { done: true, done_reason: 'load' };
    const { stopReason, timings: t } = this.#end;
    const { ignored, model } = this.#options;
    return {
      done: true,
      done_reason: finishReason(stopReason),
      total_duration: nanoseconds(t.totalMs),
      load_duration: nanoseconds(model.loadMs ?? 0),
      prompt_eval_count: t.promptTokens,
      prompt_eval_duration: nanoseconds(t.promptMs),
      eval_count: t.generatedTokens,
      eval_duration: nanoseconds(t.generationMs),
      hearth: hearthFields(this.#start, this.#end, { ignored, loadMs: model.loadMs }),
    };
  }

  #apply(part: AnswerPart): Said[] {
    switch (part.kind) {
      case 'text':
        this.#said.text += part.text;
        return [{ ...NOTHING, text: part.text }];
      case 'reasoning':
        this.#said.thought += part.text;
        return [{ ...NOTHING, thought: part.text }];
      case 'call': {
        const ended = this.#endCall();
        this.#call = { id: part.id, name: part.name, text: '' };
        return ended;
      }
      case 'arguments':
        if (this.#call) this.#call.text += part.text;
        return [];
      default:
        throw new Error(`unknown part ${JSON.stringify(part satisfies never)}`);
    }
  }

  #endCall(): Said[] {
    if (!this.#call) return [];
    const { id, name, text } = this.#call;
    this.#call = null;
    const index = this.#said.calls.length;
    const call = { id, function: { index, name, arguments: parsedOrEmpty(text) } };
    this.#said.calls.push(call);
    return [{ ...NOTHING, calls: [call] }];
  }
}

const NOTHING: Said = { text: '', thought: '', calls: [] };

function parsedOrEmpty(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

function tag(model: ServedModel, { createdS }: Service): object {
  const { id: name, file } = model;
  return {
    name,
    model: name,
    modified_at: new Date(file?.modifiedAtMs ?? createdS * 1000).toISOString(),
    size: file?.sizeBytes ?? 0,
    details: details(file),
    hearth: { loaded: model.isLoaded },
  };
}

function details(file: ModelFile | null): object {
  const types = Object.entries(file?.types ?? {}).filter(([type]) => type !== 'F32');
  const [most] = types.sort(([, a], [, b]) => b - a);
  const family = file?.shape.arch ?? '';
  return {
    format: 'gguf',
    family,
    families: [family],
    parameter_size: `${((file?.shape.nParams ?? 0) / 1e9).toPrecision(2)}B`,
    quantization_level: most?.[0] ?? 'F32',
  };
}

function show(model: ServedModel, { createdS }: Service): object {
  const { info, file } = model;
  const template = info?.chatTemplate ?? '';
  const arch = file?.shape.arch ?? 'llama';
  return {
    modified_at: new Date(file?.modifiedAtMs ?? createdS * 1000).toISOString(),
    template,
    details: details(file),
    model_info: {
      'general.architecture': arch,
      'general.parameter_count': file?.shape.nParams ?? null,
      [`${arch}.context_length`]: info?.nCtx ?? null,
      [`${arch}.embedding_length`]: file?.shape.nEmbd ?? null,
    },
    capabilities: ['completion', 'tools', ...(template.includes('<think>') ? ['thinking'] : [])],
    hearth: { loaded: model.isLoaded },
  };
}
