// A request for OpenAI's /v1/responses, as the chat request that it means. Nothing is kept between two
// requests: the input holds the whole conversation.
import type { FromSchema } from 'json-schema-to-ts';
import { defined } from '../defined.js';
import { type ChatFields, PART_END } from './chat-request.js';
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

const ITEM = { type: 'object', properties: { type: NAME, role: NAME } } as const;
const { model, stream, temperature, top_p, return_progress, timings_per_token } = COMMON_FIELDS;

export const RESPONSES_SCHEMA = objectOf(['input'], {
  ...{ model, stream, temperature, top_p, return_progress, timings_per_token },
  input: {
    ...TEXT,
    type: ['string', 'array'],
    minItems: 1,
    maxItems: limits.MAX_MESSAGES,
    items: ITEM,
  },
  instructions: TEXT,
  max_output_tokens: integer(1, limits.MAX_MAX_TOKENS),
  tools: {
    type: 'array',
    maxItems: limits.MAX_TOOLS,
    items: { type: 'object', required: ['type'], properties: { type: NAME } },
  },
  tool_choice: { type: ['string', 'object'] },
  parallel_tool_calls: BOOLEAN,
  text: objectOf([], {
    format: { type: 'object', required: ['type'], properties: { type: NAME } },
    verbosity: NAME,
  }),
  reasoning: { type: ['object'], properties: { effort: { type: ['string', 'null'] } } },
  truncation: { enum: ['auto', 'disabled'] },
});

export type ResponsesFields = FromSchema<typeof RESPONSES_SCHEMA>;
type Item = Record<string, unknown>;
type Message = ChatFields['messages'][number];

const WITHOUT_EFFECT = new Set(
  `include max_tool_calls metadata prompt_cache_key prompt_cache_options prompt_cache_retention
  safety_identifier service_tier store stream_options user client_metadata`.split(/\s+/),
);

/** Of these, the answer would be another one. */
const REFUSED: Record<string, string> = {
  previous_response_id: 'nothing is kept; send the whole conversation as input',
  conversation: 'nothing is kept; send the whole conversation as input',
  prompt: 'there are no stored prompts here',
  background: 'answers are not made in the background',
  top_logprobs: 'use /v1/chat/completions for log-probabilities',
};

export function prepareResponses(body: unknown): string[] {
  const ignored = prepareFields(body, WITHOUT_EFFECT);
  const fields = body as Record<string, unknown>;
  for (const [name, why] of Object.entries(REFUSED)) {
    if (fields[name] === false || fields[name] === 0) delete fields[name];
    else if (fields[name] !== undefined) throw unsupported(name, why);
  }
  return ignored;
}

/** `skipped`: types of tools that there are none of here. Throws ApiError. */
export function chatOf(fields: ResponsesFields): { chat: ChatFields; skipped: string[] } {
  const { tools = [], instructions, input, reasoning, truncation } = fields;
  const known = tools.filter(({ type }) => type === 'function') as Item[];
  const skipped = tools.filter(({ type }) => type !== 'function').map(({ type }) => type);
  const guide = instructions ? [{ role: 'system' as const, content: instructions }] : [];
  const { stream, temperature, top_p, return_progress, timings_per_token } = fields;
  const effort = reasoning?.effort ?? undefined;
  const chat = {
    messages: [...guide, ...messagesOf(input as string | Item[])],
    ...toolsOf(known, fields),
    ...formatOf(fields),
    ...defined({ stream, temperature, top_p, return_progress, timings_per_token }),
    ...defined({ max_tokens: fields.max_output_tokens, reasoning_effort: effort }),
    ...(truncation === 'auto' && { overflow: 'drop-oldest' as const }),
  };
  return { chat, skipped: [...new Set(skipped)] };
}

function toolsOf(known: Item[], { tool_choice: choice, parallel_tool_calls }: ResponsesFields) {
  if (known.length === 0) return {};
  const tools = known.map(({ name, description, parameters, strict }, i) => {
    if (typeof name !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(name))
      throw badRequest(
        `tools[${i}].name must be 1 to 64 letters, digits, _ or -`,
        `tools[${i}].name`,
      );
    return {
      type: 'function',
      function: { name, ...present({ description, parameters, strict }) },
    };
  });
  const more = defined({ tool_choice: choiceOf(choice), parallel_tool_calls });
  return { tools, ...more } as Partial<ChatFields>;
}

function present(fields: Item): Item {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
}

function choiceOf(choice: ResponsesFields['tool_choice']): ChatFields['tool_choice'] {
  if (choice === undefined || typeof choice === 'string') return choice;
  const { type, name, mode, tools } = choice as Item;
  if (type === 'function') return { type, function: { name: String(name) } };
  if (type !== 'allowed_tools' || !Array.isArray(tools))
    throw badRequest(
      `tool_choice asks for "${String(type)}", which hearth does not have`,
      'tool_choice',
    );
  const allowed = tools.filter((tool: Item) => tool?.type === 'function');
  return {
    type,
    allowed_tools: {
      mode: mode === 'required' ? 'required' : 'auto',
      tools: allowed.map((tool: Item) => ({
        type: 'function',
        function: { name: String(tool.name) },
      })),
    },
  };
}

function formatOf({ text }: ResponsesFields): Partial<ChatFields> {
  const format = text?.format as Item | undefined;
  if (!format || format.type === 'text') return {};
  if (format.type === 'json_object') return { response_format: { type: 'json_object' } };
  if (format.type !== 'json_schema' || typeof format.schema !== 'object' || !format.schema)
    throw badRequest(
      'text.format must be text, json_object or json_schema with a schema',
      'text.format',
    );
  return {
    response_format: { type: 'json_schema', json_schema: { schema: format.schema as Item } },
  };
}

/** Thoughts and calls are items of their own there, and belong to the assistant's message here. */
function messagesOf(input: string | Item[]): Message[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  const messages: Message[] = [];
  let thought: string | undefined;
  for (const [i, item] of input.entries()) {
    if (item.type === 'reasoning') {
      thought = reasoningText(item);
      continue;
    }
    const message = messageOf(item, `input[${i}]`);
    const last = messages.at(-1);
    if (message.role === 'assistant' && thought) message.reasoning_content = thought;
    if (message.tool_calls && last?.role === 'assistant')
      last.tool_calls = [...(last.tool_calls ?? []), ...message.tool_calls];
    else messages.push(message);
    thought = undefined;
  }
  return messages;
}

function messageOf(item: Item, path: string): Message {
  const { type = 'message' } = item;
  if (type === 'message') return { role: roleOf(item, path), content: textOf(item.content, path) };
  if (type === 'function_call_output')
    return { role: 'tool', tool_call_id: String(item.call_id), content: textOf(item.output, path) };
  if (type !== 'function_call') {
    const message = `${path}: hearth does not support items of the type "${String(type)}"`;
    throw badRequest(message, path, 'unsupported_parameter');
  }
  const called = { name: String(item.name), arguments: String(item.arguments ?? '') };
  const call = { id: String(item.call_id), type: 'function' as const, function: called };
  return { role: 'assistant', content: '', tool_calls: [call] };
}

function roleOf({ role }: Item, path: string): Message['role'] {
  const found = (['user', 'assistant', 'system', 'developer'] as const).find((one) => one === role);
  if (found) return found;
  throw badRequest(`${path}.role must be user, assistant, system or developer`, `${path}.role`);
}

function reasoningText({ content, summary }: Item): string {
  const parts = [content, summary].find((list) => Array.isArray(list) && list.length > 0);
  return ((parts ?? []) as Item[])
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('');
}

function textOf(content: unknown, path: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw badRequest(`${path} has no content`, path);
  return content.map((part: Item, i) => textOfPart(part, `${path}.content[${i}]`)).join(PART_END);
}

function textOfPart(part: Item, path: string): string {
  const isText = ['input_text', 'output_text', 'text'].includes(String(part?.type));
  if (isText && typeof part.text === 'string') return part.text;
  if (part?.type === 'refusal') return String(part.refusal);
  throw badRequest(
    `${path}: ${String(part?.type)} is not supported; this model reads text only`,
    path,
  );
}
