// GET /v1/models: the one model that is served, under the name of its file.
// There is no other to be meant, so that a request may name any: clients come with fixed names.
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { ApiError } from './openai-error.js';
import type { Service } from './service.js';

/** `/models/llama-pruned-q4_k.gguf` is served as `llama-pruned-q4_k`. */
export function modelIdOf(modelPath: string): string {
  return path.basename(modelPath).replace(/\.gguf$/i, '');
}

export function models(app: FastifyInstance, service: Service): void {
  app.get('/v1/models', async () => ({ object: 'list', data: [describe(service)] }));
  app.get<{ Params: { id: string } }>('/v1/models/:id', async ({ params }) => {
    checkModel(service, params.id);
    return describe(service);
  });
}

/** The file's name and the name inside the file are both known. */
function checkModel({ modelId, engine }: Service, name: string): void {
  if (name === modelId || name === engine.info?.modelName) return;
  throw new ApiError(`there is no model "${name}" here; hearth serves "${modelId}"`, {
    status: 404,
    param: 'model',
    code: 'model_not_found',
  });
}

function describe({ modelId, createdS, engine: { info } }: Service): object {
  const meta = info && {
    name: info.modelName,
    n_ctx: info.nCtx,
    n_ctx_train: info.nCtxTrain,
    n_vocab: info.nVocab,
    n_embd: info.nEmbd,
    size: info.weightsBytes,
  };
  return { id: modelId, object: 'model', created: createdS, owned_by: 'hearth', meta };
}
