// llama.cpp's parameter structs, laid out as in include/llama.h of the release that node-llama-cpp
// ships, for calls without its wrapper. A wrong layout would not fail but lie, so the defaults that
// llama.cpp fills in are held against those that it documents. Calls nothing itself.
import koffi from 'koffi';

koffi.struct('llama_model_params', {
  devices: 'void *',
  tensor_buft_overrides: 'void *',
  n_gpu_layers: 'int32_t',
  split_mode: 'int',
  load_mode: 'int',
  lazy_mode: 'int',
  main_gpu: 'int32_t',
  tensor_split: 'void *',
  progress_callback: 'void *',
  progress_callback_user_data: 'void *',
  kv_overrides: 'void *',
  vocab_only: 'bool',
  check_tensors: 'bool',
  use_extra_bufts: 'bool',
  no_host: 'bool',
  no_alloc: 'bool',
  load_mtp: 'bool',
});

koffi.struct('llama_context_params', {
  n_ctx: 'uint32_t',
  n_batch: 'uint32_t',
  n_ubatch: 'uint32_t',
  n_seq_max: 'uint32_t',
  n_rs_seq: 'uint32_t',
  n_outputs_max: 'uint32_t',
  n_outputs_max_per_seq: 'uint32_t',
  n_threads: 'int32_t',
  n_threads_batch: 'int32_t',
  ctx_type: 'int',
  rope_scaling_type: 'int',
  pooling_type: 'int',
  attention_type: 'int',
  flash_attn_type: 'int',
  rope_freq_base: 'float',
  rope_freq_scale: 'float',
  yarn_ext_factor: 'float',
  yarn_attn_factor: 'float',
  yarn_beta_fast: 'float',
  yarn_beta_slow: 'float',
  yarn_orig_ctx: 'uint32_t',
  defrag_thold: 'float',
  cb_eval: 'void *',
  cb_eval_user_data: 'void *',
  type_k: 'int',
  type_v: 'int',
  abort_callback: 'void *',
  abort_callback_data: 'void *',
  embeddings: 'bool',
  offload_kqv: 'bool',
  no_perf: 'bool',
  op_offload: 'bool',
  swa_full: 'bool',
  kv_unified: 'bool',
  samplers: 'void *',
  n_samplers: 'size_t',
  ctx_other: 'void *',
});

koffi.struct('llama_batch', {
  n_tokens: 'int32_t',
  token: 'void *',
  embd: 'void *',
  pos: 'void *',
  n_seq_id: 'void *',
  seq_id: 'void *',
  logits: 'void *',
});

/** ggml-backend.h's GGML_BACKEND_DEVICE_TYPE_GPU and _IGPU. */
export const GPU_DEVICE_TYPES = [1, 2];

export type Params = Record<string, unknown>;

/** What include/llama.h and the sources say of a few fields, the first and the last of them included. */
const MODEL_DEFAULTS: Params = { devices: null, load_mode: -1, use_extra_bufts: true };
const CONTEXT_DEFAULTS: Params = {
  n_ctx: 512,
  n_batch: 2048,
  n_ubatch: 512,
  flash_attn_type: -1,
  type_k: 1,
  type_v: 1,
  offload_kqv: true,
  n_samplers: 0,
  ctx_other: null,
};

/** Throws where the library fills these in otherwise: it is another release. */
export function checkLayout(model: Params, context: Params): void {
  for (const [given, expected] of [
    [model, MODEL_DEFAULTS],
    [context, CONTEXT_DEFAULTS],
  ] as const)
    for (const [name, value] of Object.entries(expected))
      if (given[name] !== value)
        throw new Error(
          `this llama.cpp has ${name} = ${String(given[name])} by default, expected ${String(value)}: its structs differ from those that hearth measures with; install the node-llama-cpp that package.json names`,
        );
}
