// A request for Anthropic's /v1/messages, as the chat request that it means.
// Blocks of content become messages: a tool's result is a message of its own here, thoughts go beside
// what was said.
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
} from './request-fields.js';

const TEXT_BLOCK = objectOf(['type', 'text'], {
  type: { enum: ['text'] },
  text: TEXT,
  cache_control: {},
  citations: {},
});

/** Kinds are told apart below, so that an image is refused as an image. */
const BLOCK = { type: 'object', required: ['type'], properties: { type: NAME } } as const;

const blocks = (items: object) =>
  ({
    type: ['string', 'array'],
    maxLength: limits.MAX_TEXT_CHARS,
    maxItems: limits.MAX_CONTENT_PARTS,
    items,
  }) as const;

const TOOL = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', pattern: '^[a-zA-Z0-9_-]+$', maxLength: 128 },
    type: NAME,
    description: TEXT,
    input_schema: { type: 'object' },
  },
} as const;

const COUNTED = {
  model: NAME,
  messages: {
    type: 'array',
    minItems: 1,
    maxItems: limits.MAX_MESSAGES,
    items: objectOf(['role', 'content'], {
      role: { enum: ['user', 'assistant', 'system'] },
      content: blocks(BLOCK),
    }),
  },
  system: blocks(TEXT_BLOCK),
  tools: { type: 'array', maxItems: limits.MAX_TOOLS, items: TOOL },
  tool_choice: objectOf(['type'], {
    type: { enum: ['auto', 'any', 'tool', 'none'] },
    name: NAME,
    disable_parallel_tool_use: BOOLEAN,
  }),
  thinking: {
    type: 'object',
    required: ['type'],
    properties: { type: { enum: ['enabled', 'disabled', 'adaptive'] } },
  },
  output_config: { type: 'object' },
} as const;

export const COUNT_SCHEMA = objectOf(['messages'], COUNTED);

const { stream, temperature, top_p, top_k } = COMMON_FIELDS;
const stopText = { type: 'string', minLength: 1, maxLength: limits.MAX_STOP_CHARS } as const;

export const MESSAGES_SCHEMA = objectOf(['messages', 'max_tokens'], {
  ...COUNTED,
  ...{ stream, temperature, top_p, top_k },
  max_tokens: integer(1, limits.MAX_MAX_TOKENS),
  stop_sequences: { type: 'array', maxItems: limits.MAX_STOPS, items: stopText },
});

export type MessagesFields = FromSchema<typeof MESSAGES_SCHEMA>;
type CountFields = FromSchema<typeof COUNT_SCHEMA>;
type Content = string | Record<string, unknown>[];
type Message = ChatFields['messages'][number];

const WITHOUT_EFFECT = new Set(
  'metadata service_tier container inference_geo context_management cache_control speed'.split(' '),
);

export function prepareMessages(body: unknown): string[] {
  return prepareFields(body, WITHOUT_EFFECT);
}

/** Throws ApiError. */
export function chatOf(fields: MessagesFields | CountFields): ChatFields {
  const { messages, system, thinking } = fields;
  const rest = 'max_tokens' in fields ? samplingOf(fields as MessagesFields) : {};
  const guide =
    system === undefined
      ? []
      : [{ role: 'system' as const, content: textOf(system as Content, 'system') }];
  return {
    messages: [
      ...guide,
      ...messages.flatMap(({ role, content }, i) =>
        messagesOf(role, content as Content, `messages[${i}].content`),
      ),
    ],
    ...toolsOf(fields),
    ...(thinking?.type === 'disabled' && { chat_template_kwargs: { enable_thinking: false } }),
    ...(thinking &&
      thinking.type !== 'disabled' && { chat_template_kwargs: { enable_thinking: true } }),
    ...rest,
  };
}

function samplingOf(fields: MessagesFields): Partial<ChatFields> {
  const { max_tokens, stream, temperature, top_p, top_k, stop_sequences: stop } = fields;
  return defined({
    max_tokens,
    stream,
    temperature,
    top_p,
    top_k,
    stop: stop?.length ? stop : undefined,
  });
}

function toolsOf({ tools = [], tool_choice: choice }: CountFields): Partial<ChatFields> {
  if (tools.length === 0) return {};
  const functions = tools.map(({ type, name, description, input_schema: parameters }, i) => {
    if (type !== undefined && type !== 'custom')
      throw badRequest(
        `hearth has no tool of the type "${type}"; send tools with an input_schema`,
        `tools[${i}].type`,
      );
    return {
      type: 'function' as const,
      function: { name, ...defined({ description, parameters }) },
    };
  });
  return {
    tools: functions,
    ...(choice && { tool_choice: choiceOf(choice) }),
    ...(choice?.disable_parallel_tool_use && { parallel_tool_calls: false }),
  };
}

function choiceOf({
  type,
  name,
}: NonNullable<CountFields['tool_choice']>): NonNullable<ChatFields['tool_choice']> {
  if (type === 'any') return 'required';
  if (type !== 'tool') return type;
  if (name === undefined)
    throw badRequest('tool_choice of the type "tool" needs a name', 'tool_choice.name');
  return { type: 'function', function: { name } };
}

function messagesOf(role: Message['role'], content: Content, path: string): Message[] {
  if (typeof content === 'string') return [{ role, content }];
  return role === 'assistant' ? [assistantOf(content, path)] : userOf(role, content, path);
}

/** Results first: they answer the message before. */
function userOf(
  role: Message['role'],
  content: Record<string, unknown>[],
  path: string,
): Message[] {
  const results: Message[] = [];
  const texts: string[] = [];
  for (const [i, block] of content.entries()) {
    if (block.type === 'tool_result')
      results.push({
        role: 'tool',
        tool_call_id: String(block.tool_use_id ?? ''),
        content: resultOf(block, `${path}[${i}]`),
      });
    else texts.push(textOfBlock(block, `${path}[${i}]`));
  }
  if (texts.length === 0 && results.length > 0) return results;
  return [...results, { role, content: texts.join(PART_END) }];
}

function resultOf({ content, is_error: isError }: Record<string, unknown>, path: string): string {
  const text =
    content === undefined || content === null ? '' : textOf(content as Content, `${path}.content`);
  return isError === true ? `Error: ${text}` : text;
}

function assistantOf(content: Record<string, unknown>[], path: string): Message {
  const said: string[] = [];
  const thought: string[] = [];
  const calls: NonNullable<Message['tool_calls']> = [];
  for (const [i, block] of content.entries()) {
    if (block.type === 'thinking') thought.push(String(block.thinking ?? ''));
    else if (block.type === 'tool_use')
      calls.push({
        id: String(block.id ?? ''),
        type: 'function',
        function: { name: String(block.name ?? ''), arguments: JSON.stringify(block.input ?? {}) },
      });
    else if (block.type !== 'redacted_thinking') said.push(textOfBlock(block, `${path}[${i}]`));
  }
  return {
    role: 'assistant',
    content: said.join(PART_END),
    ...(thought.length > 0 && { reasoning_content: thought.join('') }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function textOf(content: string | readonly Record<string, unknown>[], path: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw badRequest(`${path} must be a text or a list of blocks`, path);
  return content.map((block, i) => textOfBlock(block, `${path}[${i}]`)).join(PART_END);
}

function textOfBlock(block: Record<string, unknown>, path: string): string {
  if (block?.type === 'text' && typeof block.text === 'string') return block.text;
  if (block?.type === 'text')
    throw badRequest(`the field "${path}.text" is missing`, `${path}.text`);
  const type = String(block?.type).slice(0, 64);
  throw badRequest(`${path}: ${type} input is not supported; this model reads text only`, path);
}
