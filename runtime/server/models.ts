// GET /v1/models: what is served, under the names of the files, and which of it is loaded now.
import type { FastifyInstance } from 'fastify';
import type { ServedModel } from '../models/served-model.js';
import { noSuchModel } from './requested-model.js';
import type { Service } from './service.js';

export function models(app: FastifyInstance, service: Service): void {
  const { models: all } = service.models;
  app.get('/v1/models', async () => {
    return { object: 'list', data: all.map((model) => describe(model, service)) };
  });
  app.get<{ Params: { id: string } }>('/v1/models/:id', async ({ params: { id } }) => {
    // The file's name and the name inside the file are both known.
    const found =
      all.find((model) => model.id === id) ?? all.find(({ info }) => info?.modelName === id);
    if (!found) throw noSuchModel(id, all);
    return describe(found, service);
  });
}

function describe(model: ServedModel, { createdS }: Service): object {
  const { id, info, isLoaded, isPinned } = model;
  const meta = info && {
    name: info.modelName,
    n_ctx: info.nCtx,
    n_ctx_train: info.nCtxTrain,
    n_vocab: info.nVocab,
    n_embd: info.nEmbd,
    size: info.weightsBytes,
  };
  const hearth = { loaded: isLoaded, pinned: isPinned };
  return { id, object: 'model', created: createdS, owned_by: 'hearth', meta, hearth };
}
