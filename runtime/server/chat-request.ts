// A request for /v1/chat/completions, checked, as the engine's request.
// Text that looks like a control token stays text: the engine sees to that.
import type { FromSchema } from 'json-schema-to-ts';
import { defined } from '../defined.js';
import type {
  ChatInput,
  ChatMessage,
  ChatRole,
  EngineInfo,
  GenerateRequest,
} from '../engine/engine.js';
import { jsonSchemaGrammar } from '../grammar/json-schema-grammar.js';
import type { AnswerReading } from './answer-parts.js';
import * as limits from './limits.js';
import { badRequest } from './openai-error.js';
import {
  BOOLEAN,
  COMMON_FIELDS,
  commonRequest,
  integer,
  NAME,
  objectOf,
  prepareFields,
  TEXT,
} from './request-fields.js';
import { orRefuse, planTools, TOOL_FIELDS } from './tools.js';

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
  /** Taken, and named as ignored: chat templates have no place for it. */
  name: nullableName,
  reasoning_content: { ...TEXT, type: ['string', 'null'] },
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
  chat_template_kwargs: { type: 'object' },
  reasoning_effort: NAME,
  add_generation_prompt: BOOLEAN,
  continue_final_message: BOOLEAN,
  /** llama-server's: show the prompt. */
  verbose: BOOLEAN,
  json_schema: { type: ['object', 'boolean'] },
  logprobs: BOOLEAN,
  top_logprobs: integer(0, limits.MAX_TOP_LOGPROBS),
  response_format: objectOf(['type'], {
    type: { enum: ['text', 'json_object', 'json_schema'] },
    schema: { type: ['object', 'boolean'] },
    json_schema: objectOf(['schema'], {
      name: NAME,
      description: TEXT,
      schema: { type: ['object', 'boolean'] },
      strict: { type: ['boolean', 'null'] },
    }),
  }),
});

export type ChatFields = FromSchema<typeof CHAT_SCHEMA>;
type MessageFields = ChatFields['messages'][number];

export type ChatReading = {
  request: GenerateRequest;
  /** The request's own. */
  input: ChatInput;
  /** How the answer's parts are told apart. */
  reading: AnswerReading;
};

/** As {@link prepareFields}, and of what messages hold. */
export function prepareChat(body: unknown): string[] {
  const ignored = prepareFields(body);
  const { messages, stream_options: options } = body as Record<string, unknown>;
  if (
    Array.isArray(messages) &&
    messages.some((message) => message?.name && message.role !== 'tool')
  )
    ignored.push('messages[].name');
  if (typeof options === 'object' && options && 'include_obfuscation' in options)
    ignored.push('stream_options.include_obfuscation');
  return ignored;
}

/** Throws ApiError. */
export function readChatRequest(fields: ChatFields, info: EngineInfo | null): ChatReading {
  const common = commonRequest({ ...fields, ...maxTokens(fields) }, info);
  const template = info?.chatTemplate ?? '';
  const tools = planTools(fields, template);
  const input = { ...readConversation(fields), ...(tools ? { tools: tools.tools } : {}) };
  const formats = [
    fields.grammar && 'grammar',
    format(fields) && 'response_format',
    fields.json_schema !== undefined && 'json_schema',
    tools && 'tools',
  ];
  const [first, second] = formats.filter(Boolean);
  if (second) throw badRequest(`"${first}" and "${second}" cannot be combined`, second);
  const grammar = tools?.grammar ?? responseGrammar(fields);
  const request: GenerateRequest = {
    ...common,
    input: { kind: 'chat', ...input },
    ...logprobs(fields),
    ...(grammar === null ? {} : { grammar: { kind: 'gbnf', text: grammar } }),
  };
  const isBound = request.grammar !== undefined && tools === null;
  const splitsThinking = template.includes('<think>') && !isBound;
  return { request, input, reading: { format: tools?.format ?? null, splitsThinking } };
}

type ConversationFields = Pick<
  ChatFields,
  | 'messages'
  | 'chat_template_kwargs'
  | 'reasoning_effort'
  | 'add_generation_prompt'
  | 'continue_final_message'
>;

/** The messages, and how the template is asked for them. Throws ApiError. */
export function readConversation(fields: ConversationFields): ChatInput {
  const messages = fields.messages.map(readMessage);
  checkCalls(messages);
  const variables = templateVariables(fields);
  return {
    messages,
    ...(continuesLast(messages, fields) && { continuesLast: true }),
    ...(fields.add_generation_prompt === false && { addGenerationPrompt: false }),
    ...(Object.keys(variables).length > 0 && { variables }),
  };
}

/** As llama-server has it: an assistant's message at the end is gone on with. */
function continuesLast(messages: ChatMessage[], fields: ConversationFields): boolean {
  const { add_generation_prompt: begins, continue_final_message: continues } = fields;
  const [before, last] = messages.slice(-2);
  const isOpen = messages.at(-1)?.role === 'assistant' && !messages.at(-1)?.toolCalls;
  if (begins && continues)
    throw badRequest(
      '"add_generation_prompt" and "continue_final_message" contradict each other',
      'continue_final_message',
    );
  if (continues && !isOpen)
    throw badRequest("the last message is not the assistant's", 'continue_final_message');
  if (isOpen && before?.role === 'assistant' && last?.role === 'assistant' && !before.toolCalls)
    throw badRequest(
      'two messages of the assistant at the end cannot both be gone on with',
      'messages',
    );
  return isOpen && !begins && continues !== false;
}

function templateVariables(fields: ConversationFields): Record<string, unknown> {
  const { reasoning_effort: effort, chat_template_kwargs: given = {} } = fields;
  if (effort === undefined) return given;
  return effort === 'none'
    ? { enable_thinking: false, ...given }
    : { reasoning_effort: effort, ...given };
}

/** A tool's answer needs a question: with another id, the model would not know what it answers. */
function checkCalls(messages: ChatMessage[]): void {
  const made = new Set<string>();
  for (const [i, { toolCalls = [], toolCallId, role }] of messages.entries()) {
    for (const { id } of toolCalls) made.add(id);
    if (role !== 'tool' || (toolCallId !== undefined && made.has(toolCallId))) continue;
    const param = `messages[${i}].tool_call_id`;
    throw badRequest(
      `a tool's result is of the call "${toolCallId}", which no message before it makes`,
      param,
    );
  }
}

function readMessage(message: MessageFields, i: number): ChatMessage {
  const { role, content, tool_calls: calls, tool_call_id: callId } = message;
  const path = `messages[${i}]`;
  if (calls?.length && role !== 'assistant')
    throw badRequest(`${path}: only an assistant's message has tool_calls`, `${path}.tool_calls`);
  if (role === 'tool' && !callId)
    throw badRequest(`${path}: a tool's message needs a tool_call_id`, `${path}.tool_call_id`);
  if (content === undefined || content === null)
    if (!calls?.length) throw badRequest(`${path} has no content`, `${path}.content`);
  return {
    role: role === 'developer' ? 'system' : (role satisfies ChatRole),
    content: contentText(content),
    ...(calls?.length ? { toolCalls: calls.map(readToolCall) } : {}),
    ...(callId ? { toolCallId: callId } : {}),
    ...(message.reasoning_content ? { reasoningContent: message.reasoning_content } : {}),
  };
}

function readToolCall({ id, function: called }: NonNullable<MessageFields['tool_calls']>[number]) {
  return { id, name: called.name, arguments: called.arguments };
}

/** As llama-server has it: parts that belong into one line come as one. */
export const PART_END = '\n';

function contentText(content: MessageFields['content']): string {
  if (Array.isArray(content)) return content.map((part) => part.text).join(PART_END);
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

function responseGrammar({
  response_format: format,
  json_schema: bare,
}: ChatFields): string | null {
  if (bare !== undefined)
    return orRefuse(() => jsonSchemaGrammar(bare, 'json_schema'), 'json_schema');
  if (format?.type === 'json_object') {
    const { schema = { type: 'object' } } = format;
    return orRefuse(() => jsonSchemaGrammar(schema, 'response_format.schema'), 'response_format');
  }
  if (format?.type !== 'json_schema') return null;
  const path = 'response_format.json_schema.schema';
  if (!format.json_schema)
    throw badRequest('the field "response_format.json_schema" is missing', 'response_format');
  return orRefuse(() => jsonSchemaGrammar(format.json_schema?.schema, path), path);
}
