// POST /tokenize, /detokenize and /apply-template, with llama-server's fields.
// They show what the model sees, and so what a prompt costs; none of them decodes anything.
// They are not answers, and leave no row.
import type { FastifyInstance } from 'fastify';
import { CHAT_SCHEMA, type ChatFields, readMessages } from './chat-request.js';
import { checkTokenIds } from './completions.js';
import { MAX_TEXT_CHARS, MAX_TOKEN_IDS } from './limits.js';
import type { Service } from './service.js';

type TokenizeFields = {
  content: string;
  /** Put the bos token in front; default false. */
  add_special?: boolean;
  /** Read `<s>` as the control token that it names; default true, as llama-server has it. */
  parse_special?: boolean;
  /** Each token with its text; default false. */
  with_pieces?: boolean;
};

const TOKENIZE_SCHEMA = {
  type: 'object',
  required: ['content'],
  additionalProperties: false,
  properties: {
    content: { type: 'string', maxLength: MAX_TEXT_CHARS },
    add_special: { type: 'boolean' },
    parse_special: { type: 'boolean' },
    with_pieces: { type: 'boolean' },
  },
};

const DETOKENIZE_SCHEMA = {
  type: 'object',
  required: ['tokens'],
  additionalProperties: false,
  properties: {
    tokens: { type: 'array', maxItems: MAX_TOKEN_IDS, items: { type: 'integer', minimum: 0 } },
  },
};

const TEMPLATE_SCHEMA = {
  type: 'object',
  required: ['messages'],
  additionalProperties: false,
  properties: {
    messages: CHAT_SCHEMA.properties.messages,
    tools: CHAT_SCHEMA.properties.tools,
  },
};

export function tokens(app: FastifyInstance, { engine }: Service): void {
  app.post<{ Body: TokenizeFields }>('/tokenize', {
    schema: { body: TOKENIZE_SCHEMA },
    handler: async ({ body }) => {
      const { content, add_special = false, parse_special = true, with_pieces = false } = body;
      const options = { special: parse_special, addBos: add_special };
      const found = await engine.tokenize(content, options);
      return {
        tokens: found.map(({ tokenId, text }) => {
          return with_pieces ? { id: tokenId, piece: text } : tokenId;
        }),
      };
    },
  });

  app.post<{ Body: { tokens: number[] } }>('/detokenize', {
    schema: { body: DETOKENIZE_SCHEMA },
    handler: async ({ body }) => {
      checkTokenIds(body.tokens, engine.info?.nVocab ?? Number.POSITIVE_INFINITY, 'tokens');
      return { content: await engine.detokenize(body.tokens) };
    },
  });

  app.post<{ Body: Pick<ChatFields, 'messages' | 'tools'> }>('/apply-template', {
    schema: { body: TEMPLATE_SCHEMA },
    handler: async ({ body }) => {
      const { messages, tools } = body;
      return { prompt: await engine.applyTemplate(readMessages(messages), tools ? { tools } : {}) };
    },
  });
}
