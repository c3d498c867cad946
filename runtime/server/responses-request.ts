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
  orNull,
  prepareFields,
  TEXT,
  unsupported,
  whereType,
} from './request-fields.js';
import { FUNCTION_FIELDS } from './tools.js';

const TEXT_PARTS = ['input_text', 'output_text', 'text'];
const PART = {
  type: 'object',
  required: ['type'],
  properties: { type: NAME },
  allOf: [
    ...TEXT_PARTS.map((type) => whereType(type, ['text'], { text: TEXT })),
    whereType('refusal', ['refusal'], { refusal: TEXT }),
  ],
} as const;
const ROLE = { enum: ['user', 'assistant', 'system', 'developer'] };
const PARTS = { ...TEXT, type: ['string', 'array'], items: PART };
const THOUGHTS = { type: ['array', 'null'], items: { type: 'object' } };

/** Their types are written below: to infer them is too much for the compiler. */
type AnyObject = { type: 'object' };

const ITEM = {
  type: 'object',
  properties: { type: NAME, role: NAME },
  allOf: [
    whereType('function_call', ['call_id', 'name', 'arguments'], {
      ...{ call_id: NAME, name: NAME },
      arguments: TEXT,
    }),
    whereType('function_call_output', ['call_id', 'output'], { call_id: NAME, output: PARTS }),
    whereType('reasoning', [], { content: THOUGHTS, summary: THOUGHTS }),
  ],
  // What has no type is a message.
  if: { required: ['type'], properties: { type: { not: { const: 'message' } } } },
  else: { required: ['role', 'content'], properties: { role: ROLE, content: PARTS } },
} as AnyObject;

const TOOL = {
  type: 'object',
  required: ['type'],
  properties: { type: NAME },
  ...whereType('function', ['name'], { ...FUNCTION_FIELDS, description: orNull(TEXT) }),
} as AnyObject;

const { name: FUNCTION_NAME } = FUNCTION_FIELDS;
const CHOICE = {
  type: ['string', 'object'],
  required: ['type'],
  properties: { type: NAME },
  allOf: [
    whereType('function', ['name'], { name: FUNCTION_NAME }),
    whereType('allowed_tools', ['mode', 'tools'], {
      mode: { enum: ['auto', 'required'] },
      tools: { type: 'array', items: TOOL },
    }),
  ],
} as { type: ['string', 'object'] };

const FORMAT = {
  type: 'object',
  required: ['type'],
  properties: { type: { enum: ['text', 'json_object', 'json_schema'] } },
  ...whereType('json_schema', ['schema'], { schema: { type: 'object' } }),
} as AnyObject;

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
  tools: { type: 'array', maxItems: limits.MAX_TOOLS, items: TOOL },
  tool_choice: CHOICE,
  parallel_tool_calls: BOOLEAN,
  text: objectOf([], { format: FORMAT, verbosity: NAME }),
  reasoning: { type: ['object'], properties: { effort: { type: ['string', 'null'] } } },
  truncation: { enum: ['auto', 'disabled'] },
});

export type ResponsesFields = FromSchema<typeof RESPONSES_SCHEMA>;
type Message = ChatFields['messages'][number];

// Of these, what the schema asks of their type is there.
type Item = {
  type?: string;
  role: Message['role'];
  content: Content;
  output: Content;
  summary?: Part[] | null;
  call_id: string;
  name: string;
  arguments: string;
};
type Content = string | Part[];
type Part = { type: string; text: string; refusal: string };
type Tool = { type: string; name: string; [field: string]: unknown };
type Choice = { type: string; name: string; mode: 'auto' | 'required'; tools: Tool[] };
type Format = { type: 'text' | 'json_object' | 'json_schema'; schema: Record<string, unknown> };

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
  const { instructions, input, reasoning, truncation } = fields;
  const tools = (fields.tools ?? []) as Tool[];
  const known = tools.filter(isFunction);
  const skipped = tools.filter((tool) => !isFunction(tool)).map(({ type }) => type);
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

function toolsOf(known: Tool[], { tool_choice: choice, parallel_tool_calls }: ResponsesFields) {
  const tools = known.map(({ name, description, parameters, strict }) => {
    return {
      type: 'function',
      function: { name, ...present({ description, parameters, strict }) },
    };
  });
  const more = defined({ tool_choice: choiceOf(choice), parallel_tool_calls });
  return { ...(tools.length > 0 && { tools }), ...more } as Partial<ChatFields>;
}

function present(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
}

function choiceOf(choice: ResponsesFields['tool_choice']): ChatFields['tool_choice'] {
  if (choice === undefined || typeof choice === 'string') return choice;
  const { type, name, mode, tools } = choice as Choice;
  if (type === 'function') return { type, function: { name } };
  if (type === 'allowed_tools') {
    const allowed = tools.filter(isFunction).map(named);
    return { type, allowed_tools: { mode, tools: allowed } };
  }
  throw badRequest(`tool_choice asks for "${type}", which hearth does not have`, 'tool_choice');
}

function isFunction({ type }: { type: string }): boolean {
  return type === 'function';
}

function named({ name }: { name: string }) {
  return { type: 'function' as const, function: { name } };
}

function formatOf({ text }: ResponsesFields): Partial<ChatFields> {
  const { type, schema } = (text?.format ?? { type: 'text' }) as Format;
  if (type === 'text') return {};
  if (type === 'json_object') return { response_format: { type } };
  return { response_format: { type, json_schema: { schema } } };
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
  if (type === 'message')
    return { role: item.role, content: textOf(item.content, `${path}.content`) };
  if (type === 'function_call_output')
    return {
      role: 'tool',
      tool_call_id: item.call_id,
      content: textOf(item.output, `${path}.output`),
    };
  if (type !== 'function_call') {
    const message = `${path}: hearth does not support items of the type "${type}"`;
    throw badRequest(message, path, 'unsupported_parameter');
  }
  const called = { name: item.name, arguments: item.arguments };
  const call = { id: item.call_id, type: 'function' as const, function: called };
  return { role: 'assistant', content: '', tool_calls: [call] };
}

function reasoningText({ content, summary }: Item): string {
  const parts = (content?.length ? content : (summary ?? [])) as Part[];
  return parts.map(({ text }) => (typeof text === 'string' ? text : '')).join('');
}

function textOf(content: Content, path: string): string {
  if (typeof content === 'string') return content;
  return content.map((part, i) => textOfPart(part, `${path}[${i}]`)).join(PART_END);
}

function textOfPart({ type, text, refusal }: Part, path: string): string {
  if (TEXT_PARTS.includes(type)) return text;
  if (type === 'refusal') return refusal;
  throw badRequest(`${path}: ${type} is not supported; this model reads text only`, path);
}
