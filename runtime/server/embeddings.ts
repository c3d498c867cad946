// POST /v1/embeddings: one vector a text, or a clear 501 where the model has none.
// Vectors go out as floats or, as OpenAI's own clients ask, as base64 of little-endian floats.
import type { FastifyInstance } from 'fastify';
import type { FromSchema } from 'json-schema-to-ts';
import type { EngineInfo } from '../engine/engine.js';
import { MAX_INPUTS } from './limits.js';
import { ApiError, badRequest } from './openai-error.js';
import { NAME, objectOf, prepareFields, TEXT, unsupported } from './request-fields.js';
import { findModel, nameIn, useModel } from './requested-model.js';
import type { Service } from './service.js';

const text = { ...TEXT, minLength: 1 } as const;
const SCHEMA = objectOf(['input'], {
  input: { ...text, type: ['string', 'array'], minItems: 1, maxItems: MAX_INPUTS, items: text },
  model: NAME,
  encoding_format: { enum: ['float', 'base64'] },
  dimensions: { type: 'integer', minimum: 1 },
  user: NAME,
});

type EmbeddingFields = FromSchema<typeof SCHEMA>;

export function embeddings(app: FastifyInstance, service: Service): void {
  app.post<{ Body: EmbeddingFields }>('/v1/embeddings', {
    schema: { body: SCHEMA },
    preValidation: async (request) => {
      const { id, info } = findModel(service, nameIn(request.body));
      checkCanEmbed(id, info);
      prepareFields(request.body);
    },
    handler: async ({ body }, reply) => {
      const { id, engine } = await useModel(service, reply, { name: body.model, endpoint: null });
      checkCanEmbed(id, engine.info);
      checkFields(engine.info, body);
      const { vectors, promptTokens } = await engine.embed([body.input].flat());
      return {
        object: 'list',
        model: id,
        data: vectors.map((vector, index) => {
          return { object: 'embedding', index, embedding: encode(vector, body.encoding_format) };
        }),
        usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
      };
    },
  });
}

/** Before the fields, of which none would help. */
function checkCanEmbed(modelId: string, info: EngineInfo | null): void {
  if (!info || info.canEmbed) return;
  throw new ApiError(`the model "${modelId}" makes no embeddings`, {
    status: 501,
    code: 'no_embeddings',
  });
}

function checkFields(info: EngineInfo | null, { dimensions, input }: EmbeddingFields): void {
  if (info && dimensions !== undefined && dimensions !== info.nEmbd)
    throw unsupported('dimensions', `the model's vectors have ${info.nEmbd}`);
  if (input.length === 0) throw badRequest('"input" is empty', 'input');
}

function encode(vector: number[], format: 'float' | 'base64' = 'float'): number[] | string {
  if (format === 'float') return vector;
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}
