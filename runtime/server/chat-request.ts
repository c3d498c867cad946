// A request for /v1/chat/completions, checked, as the engine's request.
// Text that looks like a control token stays text: the engine sees to that.
import type { FromSchema } from 'json-schema-to-ts';
import { defined } from '../defined.js';
import type { ChatMessage, ChatRole, EngineInfo, GenerateRequest } from '../engine/engine.js';
import { jsonSchemaGrammar } from '../grammar/json-schema-grammar.js';
import * as limits from './limits.js';
import { badRequest } from './openai-error.js';
import {
  BOOLEAN,
  COMMON_FIELDS,
  commonRequest,
  integer,
  NAME,
  objectOf,
  TEXT,
  unsupported,
} from './request-fields.js';
import { orRefuse, planTools, TOOL_FIELDS, type ToolPlan } from './tools.js';

const nullableName = { ...NAME, type: ['string', 'null'] } as const;

const TOOL_CALL = objectOf(['id', 'type', 'function'], {
  id: NAME,
  type: { enum: ['function'] },
  index: { type: 'integer' },
  function: objectOf(['name', 'arguments'], { name: NAME, arguments: TEXT, parsed_arguments: {} }),
});

const CONTENT_PART = {
  type: 'object',
  required: ['type'],
  properties: { type: { enum: ['text'] }, text: TEXT },
  // After `type`, so that an image is refused as an image.
  if: { properties: { type: { const: 'text' } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
  then: { required: ['text'] },
} as const;

const MESSAGE = objectOf(['role'], {
  role: { enum: ['system', 'developer', 'user', 'assistant', 'tool'] },
  content: {
    type: ['string', 'array', 'null'],
    maxLength: limits.MAX_TEXT_CHARS,
    minItems: 1,
    maxItems: limits.MAX_CONTENT_PARTS,
    items: CONTENT_PART,
  },
  name: nullableName,
  tool_calls: { type: ['array', 'null'], maxItems: limits.MAX_TOOL_CALLS, items: TOOL_CALL },
  tool_call_id: nullableName,
  // Clients send back what they were given; nothing but nothing can be meant by these.
  refusal: { type: 'null' },
  annotations: { type: ['array', 'null'], maxItems: 0 },
  audio: { type: 'null' },
  function_call: { type: 'null' },
  // What the clients' helpers read out of `content` and send back beside it, as in calls.
  parsed: {},
});

export const CHAT_SCHEMA = objectOf(['messages'], {
  ...COMMON_FIELDS,
  ...TOOL_FIELDS,
  messages: { type: 'array', minItems: 1, maxItems: limits.MAX_MESSAGES, items: MESSAGE },
  max_completion_tokens: integer(1, limits.MAX_MAX_TOKENS),
  logprobs: BOOLEAN,
  top_logprobs: integer(0, limits.MAX_TOP_LOGPROBS),
  response_format: objectOf(['type'], {
    type: { enum: ['text', 'json_object', 'json_schema'] },
    json_schema: objectOf(['name', 'schema'], {
      name: NAME,
      description: TEXT,
      schema: { type: 'object' },
      strict: { type: ['boolean', 'null'] },
    }),
  }),
});

export type ChatFields = FromSchema<typeof CHAT_SCHEMA>;
type MessageFields = ChatFields['messages'][number];

/** Throws ApiError. `tools` says how calls are written, null where the model may make none. */
export function readChatRequest(
  fields: ChatFields,
  info: EngineInfo | null,
): { request: GenerateRequest; tools: ToolPlan | null } {
  const common = commonRequest({ ...fields, ...maxTokens(fields) }, info);
  const tools = planTools(fields, info?.chatTemplate ?? '');
  const messages = fields.messages.map(readMessage);
  const formats = [
    fields.grammar && 'grammar',
    format(fields) && 'response_format',
    tools && 'tools',
  ];
  const [first, second] = formats.filter(Boolean);
  if (second) throw badRequest(`"${first}" and "${second}" cannot be combined`, second);
  const grammar = tools?.grammar ?? responseGrammar(fields);
  const request: GenerateRequest = {
    ...common,
    input: { kind: 'chat', messages, ...(tools ? { tools: tools.tools } : {}) },
    ...logprobs(fields),
    ...(grammar === null ? {} : { grammar: { kind: 'gbnf', text: grammar } }),
  };
  return { request, tools };
}

export function readMessages(messages: MessageFields[]): ChatMessage[] {
  return messages.map(readMessage);
}

function readMessage(message: MessageFields, i: number): ChatMessage {
  const { role, content, name, tool_calls: calls, tool_call_id: callId } = message;
  const path = `messages[${i}]`;
  if (calls?.length && role !== 'assistant')
    throw badRequest(`${path}: only an assistant's message has tool_calls`, `${path}.tool_calls`);
  if (role === 'tool' && !callId)
    throw badRequest(`${path}: a tool's message needs a tool_call_id`, `${path}.tool_call_id`);
  if (name && role !== 'tool')
    throw unsupported(`${path}.name`, 'chat templates have no place for it');
  if (content === undefined || content === null)
    if (!calls?.length) throw badRequest(`${path} has no content`, `${path}.content`);
  return {
    role: role === 'developer' ? 'system' : (role satisfies ChatRole),
    content: contentText(content),
    ...(calls?.length ? { toolCalls: calls.map(readToolCall) } : {}),
    ...(callId ? { toolCallId: callId } : {}),
  };
}

function readToolCall({ id, function: called }: NonNullable<MessageFields['tool_calls']>[number]) {
  return { id, name: called.name, arguments: called.arguments };
}

function contentText(content: MessageFields['content']): string {
  if (Array.isArray(content)) return content.map((part) => part.text).join('');
  return content ?? '';
}

function maxTokens(fields: ChatFields): { max_tokens?: number } {
  const { max_tokens: older, max_completion_tokens: newer } = fields;
  if (older !== undefined && newer !== undefined && older !== newer)
    throw badRequest(
      `max_tokens is ${older} and max_completion_tokens ${newer}; send one of them`,
      'max_completion_tokens',
    );
  return defined({ max_tokens: newer ?? older });
}

function logprobs(fields: ChatFields): { topLogprobs?: number } {
  const { logprobs: isWanted = false, top_logprobs: top } = fields;
  if (top !== undefined && !isWanted)
    throw badRequest('"top_logprobs" needs "logprobs": true', 'top_logprobs');
  return isWanted ? { topLogprobs: top ?? 0 } : {};
}

function format({ response_format: format }: ChatFields): boolean {
  return format !== undefined && format.type !== 'text';
}

function responseGrammar({ response_format: format }: ChatFields): string | null {
  if (format?.type === 'json_object') return jsonSchemaGrammar({ type: 'object' });
  if (format?.type !== 'json_schema') return null;
  const path = 'response_format.json_schema.schema';
  if (!format.json_schema)
    throw badRequest('the field "response_format.json_schema" is missing', 'response_format');
  return orRefuse(() => jsonSchemaGrammar(format.json_schema?.schema, path), path);
}
