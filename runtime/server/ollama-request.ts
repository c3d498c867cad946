// Requests for Ollama's /api/chat and /api/generate, as the chat or text request that they mean.
// Its options carry llama.cpp's names; those that set up a model are the server's own here.
import type { FromSchema } from 'json-schema-to-ts';
import { defined } from '../defined.js';
import type { ChatFields } from './chat-request.js';
import * as limits from './limits.js';
import { badRequest } from './openai-error.js';
import {
  BOOLEAN,
  COMMON_FIELDS,
  integer,
  NAME,
  objectOf,
  prepareFields,
  TEXT,
  unsupported,
} from './request-fields.js';
import { TOOL_FIELDS } from './tools.js';

const { temperature, top_p, top_k, min_p, repeat_penalty, stop } = COMMON_FIELDS;
const { frequency_penalty, presence_penalty } = COMMON_FIELDS;

/** How a model is loaded; here that is said at the start of the server. */
const LOADING =
  `f16_kv low_vram main_gpu mirostat_eta mirostat_tau num_batch num_ctx num_gpu num_keep num_thread
  numa repeat_last_n use_mlock use_mmap vocab_only`.split(/\s+/);

const OPTIONS = objectOf([], {
  ...{
    temperature,
    top_p,
    top_k,
    min_p,
    repeat_penalty,
    stop,
    frequency_penalty,
    presence_penalty,
  },
  seed: integer(-1, limits.MAX_SEED),
  /** -1 and -2 end by themselves. */
  num_predict: integer(-2, limits.MAX_MAX_TOKENS),
});

const COMMON = {
  model: NAME,
  stream: BOOLEAN,
  options: OPTIONS,
  /** `json`, or a schema. */
  format: { type: ['string', 'object'] },
  think: { type: ['boolean', 'string'] },
} as const;

const MESSAGE = objectOf(['role'], {
  role: { enum: ['system', 'user', 'assistant', 'tool'] },
  content: TEXT,
  thinking: TEXT,
  images: { type: ['array', 'null'] },
  tool_name: NAME,
  name: NAME,
  tool_call_id: NAME,
  tool_calls: {
    type: 'array',
    maxItems: limits.MAX_TOOL_CALLS,
    items: {
      type: 'object',
      required: ['function'],
      properties: {
        id: NAME,
        function: objectOf(['name'], {
          name: NAME,
          arguments: { type: 'object' },
          index: { type: 'integer' },
        }),
      },
    },
  },
});

export const CHAT_SCHEMA = objectOf(['messages'], {
  ...COMMON,
  tools: TOOL_FIELDS.tools,
  messages: { type: 'array', maxItems: limits.MAX_MESSAGES, items: MESSAGE },
});

export const GENERATE_SCHEMA = objectOf([], {
  ...COMMON,
  prompt: TEXT,
  system: TEXT,
  /** Whether the prompt is given to the model as it is. */
  raw: BOOLEAN,
});

export type OllamaChatFields = FromSchema<typeof CHAT_SCHEMA>;
export type OllamaGenerateFields = FromSchema<typeof GENERATE_SCHEMA>;
type Common = Pick<OllamaChatFields, 'options' | 'format' | 'think'>;

const WITHOUT_EFFECT = new Set(['keep_alive']);

/** Of these, the answer would be another one. */
const REFUSED = {
  suffix: ['', 'this model fills no gaps'],
  template: ['', 'start the server with --chat-template'],
  context: [undefined, 'send the conversation to /api/chat'],
  images: [undefined, 'this model reads text only'],
  logprobs: [false, 'use /v1/chat/completions for log-probabilities'],
} as const;

export function prepareOllama(body: unknown): string[] {
  const ignored = prepareFields(body, WITHOUT_EFFECT);
  const fields = body as Record<string, unknown>;
  for (const [name, [nothing, why]] of Object.entries(REFUSED)) {
    const value = fields[name];
    if (value === undefined) continue;
    if (value !== nothing && !(Array.isArray(value) && value.length === 0))
      throw unsupported(name, why);
    delete fields[name];
  }
  return [...ignored, ...dropOptions(fields.options)];
}

/** An empty format is none; options of a load are taken. */
function dropOptions(options: unknown): string[] {
  if (typeof options !== 'object' || options === null) return [];
  const given = options as Record<string, unknown>;
  const dropped = Object.keys(given).filter((name) => LOADING.includes(name));
  for (const name of dropped) delete given[name];
  return dropped.map((name) => `options.${name}`);
}

/** Throws ApiError. */
export function chatOf({ messages, tools, ...common }: OllamaChatFields): ChatFields {
  const made = new Map<string, string[]>();
  return {
    messages: messages.map((message, i) => messageOf(message, i, made)),
    ...(tools?.length && { tools }),
    ...sampling(common),
  };
}

/** A prompt as the user's one message. Throws ApiError. */
export function promptChatOf({ prompt = '', system, ...common }: OllamaGenerateFields): ChatFields {
  const guide = system ? [{ role: 'system' as const, content: system }] : [];
  return { messages: [...guide, { role: 'user', content: prompt }], ...sampling(common) };
}

export function sampling({ options = {}, format, think }: Common): Omit<ChatFields, 'messages'> {
  const { num_predict: most, seed, ...others } = options;
  const isThinking = think === undefined ? undefined : think !== false;
  return {
    ...defined(others),
    ...(most !== undefined && most >= 0 && { max_tokens: most }),
    ...(seed !== undefined && seed >= 0 && { seed }),
    ...formatOf(format),
    ...(isThinking !== undefined && { chat_template_kwargs: { enable_thinking: isThinking } }),
  };
}

function formatOf(format: Common['format']): Partial<ChatFields> {
  if (format === undefined || format === '') return {};
  if (format === 'json') return { response_format: { type: 'json_object' } };
  if (typeof format === 'string')
    throw badRequest('format must be "json" or a JSON schema', 'format');
  return { response_format: { type: 'json_schema', json_schema: { schema: format } } };
}

/** Ollama's calls may have no ids: a result is then of the oldest call of its name. */
function messageOf(
  message: OllamaChatFields['messages'][number],
  i: number,
  made: Map<string, string[]>,
): ChatFields['messages'][number] {
  const { role, content = '', thinking, images, tool_calls: calls = [] } = message;
  if (images?.length) throw unsupported(`messages[${i}].images`, 'this model reads text only');
  const toolCalls = calls.map(
    ({ id = `call_${i}_${calls.length}_${made.size}`, function: called }, j) => {
      const callId = `${id}${j > 0 && !calls[j]?.id ? `_${j}` : ''}`;
      made.set(called.name, [...(made.get(called.name) ?? []), callId]);
      const written = JSON.stringify(called.arguments ?? {});
      return {
        id: callId,
        type: 'function' as const,
        function: { name: called.name, arguments: written },
      };
    },
  );
  const name = message.tool_name ?? message.name ?? '';
  const answered = role === 'tool' && (message.tool_call_id ?? made.get(name)?.shift());
  if (role === 'tool' && !answered)
    throw badRequest(
      `messages[${i}].tool_name is "${name}", which no call before it names`,
      `messages[${i}].tool_name`,
    );
  return {
    role,
    content,
    ...(thinking && { reasoning_content: thinking }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
    ...(answered && { tool_call_id: answered }),
  };
}
