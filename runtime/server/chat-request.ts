// A request for /v1/chat/completions, checked, as the engine's request.
// Text that looks like a control token stays text: the engine sees to that.
import type { ChatMessage, ChatRole, EngineInfo, GenerateRequest } from '../engine/engine.js';
import { GrammarError } from '../grammar/grammar-rules.js';
import { jsonSchemaGrammar } from '../grammar/json-schema-grammar.js';
import {
  MAX_CONTENT_PARTS,
  MAX_MAX_TOKENS,
  MAX_MESSAGES,
  MAX_NAME_CHARS,
  MAX_TEXT_CHARS,
  MAX_TOOL_CALLS,
  MAX_TOP_LOGPROBS,
} from './limits.js';
import { badRequest } from './openai-error.js';
import { COMMON_FIELDS, type CommonFields, commonRequest, unsupported } from './request-fields.js';
import { planTools, TOOL_FIELDS, type ToolFields, type ToolPlan, withTools } from './tools.js';

type ContentPart = { type: 'text'; text: string };
type MessageFields = {
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  content?: string | ContentPart[] | null;
  name?: string | null;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[] | null;
  tool_call_id?: string | null;
};

export type ChatFields = CommonFields &
  ToolFields & {
    messages: MessageFields[];
    max_completion_tokens?: number;
    logprobs?: boolean;
    top_logprobs?: number;
    response_format?: { type: string; json_schema?: { name: string; schema?: unknown } };
  };

const text = { type: 'string', maxLength: MAX_TEXT_CHARS };
const name = { type: ['string', 'null'], maxLength: MAX_NAME_CHARS };

const TOOL_CALL = {
  type: 'object',
  required: ['id', 'type', 'function'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', maxLength: MAX_NAME_CHARS },
    type: { enum: ['function'] },
    index: { type: 'integer' },
    function: {
      type: 'object',
      required: ['name', 'arguments'],
      additionalProperties: false,
      properties: {
        name: { type: 'string', maxLength: MAX_NAME_CHARS },
        arguments: text,
        parsed_arguments: {},
      },
    },
  },
};

const CONTENT_PART = {
  type: 'object',
  required: ['type'],
  properties: { type: { enum: ['text'] }, text },
  // After `type`, so that an image is refused as an image.
  if: { properties: { type: { const: 'text' } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
  then: { required: ['text'] },
};

const MESSAGE = {
  type: 'object',
  required: ['role'],
  additionalProperties: false,
  properties: {
    role: { enum: ['system', 'developer', 'user', 'assistant', 'tool'] },
    content: {
      type: ['string', 'array', 'null'],
      maxLength: MAX_TEXT_CHARS,
      minItems: 1,
      maxItems: MAX_CONTENT_PARTS,
      items: CONTENT_PART,
    },
    name,
    tool_calls: { type: ['array', 'null'], maxItems: MAX_TOOL_CALLS, items: TOOL_CALL },
    tool_call_id: name,
    // Clients send back what they were given; nothing but nothing can be meant by these.
    refusal: { type: 'null' },
    annotations: { type: ['array', 'null'], maxItems: 0 },
    audio: { type: 'null' },
    function_call: { type: 'null' },
    // What the clients' helpers read out of `content` and send back beside it, as in calls.
    parsed: {},
  },
};

export const CHAT_SCHEMA = {
  type: 'object',
  required: ['messages'],
  additionalProperties: false,
  properties: {
    ...COMMON_FIELDS,
    ...TOOL_FIELDS,
    messages: { type: 'array', minItems: 1, maxItems: MAX_MESSAGES, items: MESSAGE },
    max_completion_tokens: { type: 'integer', minimum: 1, maximum: MAX_MAX_TOKENS },
    logprobs: { type: 'boolean' },
    top_logprobs: { type: 'integer', minimum: 0, maximum: MAX_TOP_LOGPROBS },
    response_format: {
      type: 'object',
      required: ['type'],
      additionalProperties: false,
      properties: {
        type: { enum: ['text', 'json_object', 'json_schema'] },
        json_schema: {
          type: 'object',
          required: ['name', 'schema'],
          additionalProperties: false,
          properties: {
            name: { type: 'string', maxLength: MAX_NAME_CHARS },
            description: text,
            schema: { type: 'object' },
            strict: { type: ['boolean', 'null'] },
          },
        },
      },
    },
  },
};

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
    input: tools ? withTools(messages, tools) : { kind: 'chat', messages },
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
  const limit = newer ?? older;
  return limit === undefined ? {} : { max_tokens: limit };
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

/** A schema that no grammar can keep is the caller's mistake. */
function orRefuse<T>(make: () => T, param: string): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof GrammarError) throw badRequest(error.message, param, 'unsupported_schema');
    throw error;
  }
}
