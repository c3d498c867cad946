// GET /props and /slots: what is loaded and what each sequence does, named as llama-server does.
// Of several models `?model=` chooses one.
// Fields of llama-server that have no meaning here are left out rather than made up.
import type { FastifyInstance } from 'fastify';
import { DEFAULT_SAMPLING } from '../engine/default-sampling.js';
import type { EngineInfo } from '../engine/engine.js';
import type { ServedModel } from '../models/served-model.js';
import { ApiError } from './openai-error.js';
import { NAME } from './request-fields.js';
import { findModel } from './requested-model.js';
import type { Service } from './service.js';
import { readUpdateOutcome } from './update-outcome.js';

/** What a request gets that says nothing, under the names of requests. */
const DEFAULTS = {
  temperature: DEFAULT_SAMPLING.temperature,
  top_p: DEFAULT_SAMPLING.topP,
  top_k: DEFAULT_SAMPLING.topK,
  min_p: DEFAULT_SAMPLING.minP,
  repeat_penalty: DEFAULT_SAMPLING.repeatPenalty,
};

type Asked = { Querystring: { model?: string } };
const QUERY = { schema: { querystring: { type: 'object', properties: { model: NAME } } } };

export function slots(app: FastifyInstance, service: Service): void {
  app.get<Asked>('/props', QUERY, async ({ query }) => {
    const model = findModel(service, query.model);
    const { updateOutcome } = service;
    const update = updateOutcome && (await readUpdateOutcome(updateOutcome));
    return { ...props(service, model, loaded(model)), ...(update && { update }) };
  });
  app.get<Asked>('/slots', QUERY, async ({ query }) => {
    const model = findModel(service, query.model);
    const { nCtx } = loaded(model);
    const found = model.engine?.slots() ?? [];
    return found.map(({ id, busy, contextUsed, requestId }) => {
      return {
        id,
        id_task: requestId ?? -1,
        n_ctx: nCtx,
        is_processing: busy,
        n_past: contextUsed,
      };
    });
  });
}

function props({ hearthVersion }: Service, model: ServedModel, info: EngineInfo): object {
  return {
    default_generation_settings: { n_ctx: info.nCtx, params: DEFAULTS },
    total_slots: info.parallel,
    model_alias: model.id,
    model_path: info.modelPath,
    chat_template: info.chatTemplate,
    modalities: { vision: false, audio: false },
    build_info: info.llamaCppRelease,
    hearth: {
      version: hearthVersion,
      loaded: model.isLoaded,
      backend: info.backend,
      device_names: info.deviceNames,
      gpu_layers: info.gpuLayers,
      kv_type: info.kvType,
      threads: info.threads,
      flash_attention: info.flashAttention,
      mmap: info.mmap,
      load_ms: info.loadMs,
      weights_bytes: info.weightsBytes,
      kv_bytes: info.kvBytes,
      compute_bytes: info.computeBytes,
    },
  };
}

/** As it is, or was before it was unloaded. */
function loaded({ id, engine, info }: ServedModel): EngineInfo {
  if (info) return info;
  const details = { status: 503, code: 'not_ready', retryAfterS: 1 };
  const why = engine
    ? 'the model is still being loaded'
    : `"${id}" is loaded when it is first asked`;
  throw new ApiError(why, details);
}
