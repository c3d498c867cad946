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
  orNull,
  prepareFields,
  TEXT,
  whereType,
} from './request-fields.js';

const TEXT_BLOCK = objectOf(['type', 'text'], {
  type: { enum: ['text'] },
  text: TEXT,
  cache_control: {},
  citations: {},
});

const blocks = (items: object) =>
  ({
    type: ['string', 'array'],
    maxLength: limits.MAX_TEXT_CHARS,
    maxItems: limits.MAX_CONTENT_PARTS,
    items,
  }) as const;

const SOME_BLOCK = {
  type: 'object',
  required: ['type'],
  properties: { type: NAME },
  allOf: [whereType('text', ['text'], { text: TEXT })],
} as const;
const RESULT = { ...blocks(SOME_BLOCK), type: ['string', 'array', 'null'] };

/** Of which kinds there are is said below, so that an image is refused as an image. */
const BLOCK = {
  ...SOME_BLOCK,
  allOf: [
    ...SOME_BLOCK.allOf,
    whereType('thinking', ['thinking'], { thinking: TEXT }),
    whereType('tool_use', ['id', 'name', 'input'], {
      ...{ id: NAME, name: NAME },
      input: { type: 'object' },
    }),
    whereType('tool_result', ['tool_use_id'], {
      ...{ tool_use_id: NAME, content: RESULT },
      is_error: orNull(BOOLEAN),
    }),
  ],
} as const;

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
  output_config: {
    type: 'object',
    properties: {
      effort: orNull(NAME),
      format: orNull(
        objectOf(['type', 'schema'], {
          type: { enum: ['json_schema'] },
          schema: { type: 'object' },
        }),
      ),
    },
  },
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
type Content = string | Block[];
/** What the schema asks of its type is there. */
type Block = { type: string; text: string } & ToolUse & ToolResult & { thinking: string };
type ToolUse = { id: string; name: string; input: object };
type ToolResult = { tool_use_id: string; content?: Content | null; is_error?: boolean | null };
type Message = ChatFields['messages'][number];

const WITHOUT_EFFECT = new Set(
  'metadata service_tier container inference_geo context_management cache_control speed'.split(' '),
);

export function prepareMessages(body: unknown): string[] {
  return prepareFields(body, WITHOUT_EFFECT);
}

/** Throws ApiError. */
export function chatOf(fields: MessagesFields | CountFields): ChatFields {
  const { messages, system, thinking, output_config: output } = fields;
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
    ...defined({ reasoning_effort: output?.effort ?? undefined }),
    ...(output?.format && { response_format: responseFormat(output.format.schema) }),
    ...rest,
  };
}

function responseFormat(
  schema: Record<string, unknown>,
): NonNullable<ChatFields['response_format']> {
  return { type: 'json_schema', json_schema: { schema } };
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
    ...(functions.length > 0 && { tools: functions }),
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
function userOf(role: Message['role'], content: Block[], path: string): Message[] {
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

function resultOf({ content, is_error: isError }: ToolResult, path: string): string {
  const text = textOf(content ?? '', `${path}.content`);
  return isError ? `Error: ${text}` : text;
}

function assistantOf(content: Block[], path: string): Message {
  const said: string[] = [];
  const thought: string[] = [];
  const calls: NonNullable<Message['tool_calls']> = [];
  for (const [i, block] of content.entries()) {
    if (block.type === 'thinking') thought.push(block.thinking);
    else if (block.type === 'tool_use')
      calls.push({
        id: block.id,
        type: 'function',
        function: { name: block.name, arguments: JSON.stringify(block.input) },
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

function textOf(content: Content, path: string): string {
  if (typeof content === 'string') return content;
  return content.map((block, i) => textOfBlock(block, `${path}[${i}]`)).join(PART_END);
}

function textOfBlock({ type, text }: Block, path: string): string {
  if (type === 'text') return text;
  throw badRequest(`${path}: ${type} input is not supported; this model reads text only`, path);
}
