// POST /v1/embeddings: one vector a text, or a clear 501 where the model has none.
// Vectors go out as floats or, as OpenAI's own clients ask, as base64 of little-endian floats.
import type { FastifyInstance } from 'fastify';
import type { FromSchema } from 'json-schema-to-ts';
import { MAX_INPUTS } from './limits.js';
import { ApiError, badRequest } from './openai-error.js';
import { NAME, objectOf, prepareFields, TEXT, unsupported } from './request-fields.js';
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
      checkCanEmbed(service);
      prepareFields(request.body);
    },
    handler: async ({ body }) => {
      checkFields(service, body);
      const { vectors, promptTokens } = await service.engine.embed([body.input].flat());
      return {
        object: 'list',
        model: service.modelId,
        data: vectors.map((vector, index) => {
          return { object: 'embedding', index, embedding: encode(vector, body.encoding_format) };
        }),
        usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
      };
    },
  });
}

/** Before the fields, of which none would help. */
function checkCanEmbed({ engine: { info }, modelId }: Service): void {
  if (!info || info.canEmbed) return;
  throw new ApiError(`the model "${modelId}" makes no embeddings`, {
    status: 501,
    code: 'no_embeddings',
  });
}

function checkFields({ engine: { info } }: Service, { dimensions, input }: EmbeddingFields): void {
  if (info && dimensions !== undefined && dimensions !== info.nEmbd)
    throw unsupported('dimensions', `the model's vectors have ${info.nEmbd}`);
  if (input.length === 0) throw badRequest('"input" is empty', 'input');
}

function encode(vector: number[], format: 'float' | 'base64' = 'float'): number[] | string {
  if (format === 'float') return vector;
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}
