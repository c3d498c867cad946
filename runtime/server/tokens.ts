// POST /tokenize, /detokenize and /apply-template, with llama-server's fields.
// They show what the model sees, and so what a prompt costs; none of them decodes anything.
// They are not answers, and leave no row.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { FromSchema } from 'json-schema-to-ts';
import { CHAT_SCHEMA, prepareChat, readConversation } from './chat-request.js';
import { checkTokenIds } from './completions.js';
import { MAX_TOKEN_IDS } from './limits.js';
import { BOOLEAN, NAME, objectOf, TEXT } from './request-fields.js';
import { useModel } from './requested-model.js';
import type { Service } from './service.js';

const TOKENIZE_SCHEMA = objectOf(['content'], {
  content: TEXT,
  /** Put the bos token in front; default false. */
  add_special: BOOLEAN,
  /** Read `<s>` as the control token that it names; default true, as llama-server has it. */
  parse_special: BOOLEAN,
  /** Each token with its text; default false. */
  with_pieces: BOOLEAN,
  model: NAME,
});

const DETOKENIZE_SCHEMA = objectOf(['tokens'], {
  model: NAME,
  tokens: { type: 'array', maxItems: MAX_TOKEN_IDS, items: { type: 'integer', minimum: 0 } },
});

const { model, messages, tools, ...chat } = CHAT_SCHEMA.properties;
const { chat_template_kwargs, reasoning_effort, add_generation_prompt, continue_final_message } =
  chat;
const TEMPLATE_SCHEMA = objectOf(['messages'], {
  ...{ model, messages, tools, chat_template_kwargs, reasoning_effort },
  ...{ add_generation_prompt, continue_final_message },
});

export function tokens(app: FastifyInstance, service: Service): void {
  const use = async (reply: FastifyReply, { model: name }: { model?: string }) =>
    (await useModel(service, reply, { name, endpoint: null })).engine;

  app.post<{ Body: FromSchema<typeof TOKENIZE_SCHEMA> }>('/tokenize', {
    schema: { body: TOKENIZE_SCHEMA },
    handler: async ({ body }, reply) => {
      const engine = await use(reply, body);
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

  app.post<{ Body: FromSchema<typeof DETOKENIZE_SCHEMA> }>('/detokenize', {
    schema: { body: DETOKENIZE_SCHEMA },
    handler: async ({ body }, reply) => {
      const engine = await use(reply, body);
      checkTokenIds(body.tokens, engine.info?.nVocab ?? Number.POSITIVE_INFINITY, 'tokens');
      return { content: await engine.detokenize(body.tokens) };
    },
  });

  app.post<{ Body: FromSchema<typeof TEMPLATE_SCHEMA> }>('/apply-template', {
    schema: { body: TEMPLATE_SCHEMA },
    preValidation: async (request) => void prepareChat(request.body),
    handler: async ({ body }, reply) => {
      const engine = await use(reply, body);
      const { tools, ...conversation } = body;
      return { prompt: await engine.applyTemplate({ ...readConversation(conversation), tools }) };
    },
  });
}
