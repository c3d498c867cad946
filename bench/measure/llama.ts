// A model in llama.cpp itself, without the binding's queue in between: the calls that llama-bench makes,
// in its order, with its threads. The queue costs 40 µs a token, a tenth of a small model's.
// Runs in a process of its own, which llama.cpp may end. Samples nothing.
import path from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import { type LlamaSettings, N_BATCH, N_UBATCH } from './llama-settings.js';
import { checkLayout, type Params } from './llama-structs.js';
import { bindBreakdown, type MemoryBreakdown } from './memory-breakdown.js';

/** llama.h's llama_load_mode. */
const LOAD_MODES = { none: 0, mmap: 1 } as const;

export type LlamaModel = {
  /** llama.cpp's own, for calls that are not here. */
  handle: unknown;
  /** llama.cpp's own words: `deci 7B Q4_K - Medium`. */
  type: string;
  sizeBytes: number;
  nParams: number;
  /** `kvTypeId` in place of that of the settings. */
  openContext(nCtx: number, options?: { kvTypeId?: number }): LlamaContext;
  /** In use on the GPUs, by any program; null without one. */
  usedDeviceBytes(): Promise<number | null>;
};

/** Tokens are random, as llama-bench's are: time does not depend on which. */
export type LlamaContext = {
  /** llama.cpp's own, for calls that are not here. */
  handle: unknown;
  /** Forgets all tokens. */
  clear(): void;
  /** Evaluates `nTokens` in batches, and waits until they are done. */
  prompt(nTokens: number): void;
  /** Evaluates `nTokens` one by one, each done before the next. */
  generate(nTokens: number): void;
  /** The KV cache, to be restored in a context of the same model; null where it is too large to keep. */
  save(): Uint8Array | null;
  /** False where it does not fit. */
  restore(state: Uint8Array): boolean;
  /** What llama.cpp counts for it and for the model, to the byte; null where it cannot be asked. */
  memory(): MemoryBreakdown | null;
  close(): void;
};

/** Throws where llama.cpp cannot load the model; `onLog` has been told why. */
export async function openModel(
  settings: LlamaSettings,
  onLog: (line: string) => void,
): Promise<LlamaModel> {
  const llama = await getLlama({
    gpu: settings.gpu,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.warn,
    logger: (_level, message) => onLog(message),
  });
  const calls = bind(settings.libraries);
  const defaults = calls.modelDefaults();
  checkLayout(defaults, calls.contextDefaults());
  const model: unknown = calls.loadModel(settings.modelPath, {
    ...defaults,
    n_gpu_layers: settings.gpuLayers,
    load_mode: settings.mmap ? LOAD_MODES.mmap : LOAD_MODES.none,
  });
  if (!model) throw new Error(`llama.cpp cannot load ${settings.modelPath}`);
  return {
    handle: model,
    type: describe(calls, model),
    sizeBytes: Number(calls.modelSize(model)),
    nParams: Number(calls.modelParams(model)),
    openContext: (nCtx, options) => openContext(calls, model, { ...settings, ...options }, nCtx),
    usedDeviceBytes: async () =>
      settings.gpu === false ? null : (await llama.getVramState()).used,
  };
}

type Calls = ReturnType<typeof bind>;

function bind({ llama, ggml }: LlamaSettings['libraries']) {
  const library = loadLibrary(llama);
  const backends = loadLibrary(ggml);
  const f = (signature: string) => library.func(signature);
  return {
    modelDefaults: f('llama_model_params llama_model_default_params()') as () => Params,
    contextDefaults: f('llama_context_params llama_context_default_params()') as () => Params,
    loadModel: f('void *llama_model_load_from_file(const char *path, llama_model_params params)'),
    modelSize: f('uint64_t llama_model_size(void *model)'),
    modelParams: f('uint64_t llama_model_n_params(void *model)'),
    modelDescription: f('int llama_model_desc(void *model, uint8_t *text, size_t size)'),
    vocab: f('void *llama_model_get_vocab(void *model)'),
    nVocab: f('int llama_vocab_n_tokens(void *vocab)'),
    addsBos: f('bool llama_vocab_get_add_bos(void *vocab)'),
    bos: f('int llama_vocab_bos(void *vocab)'),
    openContext: f('void *llama_init_from_model(void *model, llama_context_params params)'),
    closeContext: f('void llama_free(void *context)'),
    memory: f('void *llama_get_memory(void *context)'),
    clear: f('void llama_memory_clear(void *memory, bool data)'),
    setThreads: f('void llama_set_n_threads(void *context, int32_t n, int32_t n_batch)'),
    attachThreads: f('void llama_attach_threadpool(void *context, void *pool, void *batch_pool)'),
    decode: f('int llama_decode(void *context, llama_batch batch)'),
    synchronize: f('void llama_synchronize(void *context)'),
    stateSize: f('size_t llama_state_seq_get_size(void *context, int32_t sequence)'),
    getState: f(
      'size_t llama_state_seq_get_data(void *context, uint8_t *data, size_t size, int32_t sequence)',
    ),
    setState: f(
      'size_t llama_state_seq_set_data(void *context, const uint8_t *data, size_t size, int32_t sequence)',
    ),
    breakdown: bindBreakdown(library),
    ...bindThreads(backends, library),
  };
}

/** The pool of threads is made in the CPU backend's own library, which only its registry can reach. */
function bindThreads(backends: LibraryHandle, library: LibraryHandle) {
  const cpuDevice = backends.func('void *ggml_backend_dev_by_type(int type)')(0);
  const registry = library.func('void *ggml_backend_dev_backend_reg(void *device)')(cpuDevice);
  const find = library.func(
    'void *ggml_backend_reg_get_proc_address(void *registry, const char *)',
  );
  const make = koffi.proto('void *ggml_threadpool_new(uint8_t *params)');
  const free = koffi.proto('void ggml_threadpool_free(void *pool)');
  return {
    threadDefaults: library.func('void ggml_threadpool_params_init(uint8_t *params, int n)'),
    makeThreads: (params: Uint8Array): unknown =>
      koffi.call(find(registry, 'ggml_threadpool_new'), make, params),
    freeThreads: (pool: unknown): void =>
      koffi.call(find(registry, 'ggml_threadpool_free'), free, pool),
  };
}

/** By its name alone, the system finds the very library that is loaded already. */
export function loadLibrary(file: string): LibraryHandle {
  try {
    return koffi.load(path.basename(file));
  } catch {
    return koffi.load(file);
  }
}

function describe(calls: Calls, model: unknown): string {
  const text = new Uint8Array(256);
  const length: number = calls.modelDescription(model, text, text.length);
  return Buffer.from(text.subarray(0, Math.min(length, text.length))).toString();
}

/** Room for ggml_threadpool_params, a mask of 512 cores and five numbers. */
const THREAD_PARAMS_BYTES = 1024;

function openContext(
  calls: Calls,
  model: unknown,
  settings: LlamaSettings,
  nCtx: number,
): LlamaContext {
  const { threads, kvTypeId, flashAttention } = settings;
  const context: unknown = calls.openContext(model, {
    ...calls.contextDefaults(),
    n_ctx: nCtx,
    n_batch: N_BATCH,
    n_ubatch: N_UBATCH,
    type_k: kvTypeId,
    type_v: kvTypeId,
    flash_attn_type: Number(flashAttention),
    swa_full: false,
  });
  if (!context) throw new Error(`a context of ${nCtx} tokens cannot be made`);
  const threadParams = new Uint8Array(THREAD_PARAMS_BYTES);
  calls.threadDefaults(threadParams, threads);
  const pool = calls.makeThreads(threadParams);
  calls.attachThreads(context, pool, null);
  calls.setThreads(context, threads, threads);
  const tokens = koffi.alloc('int32_t', N_BATCH);
  const ids = new Int32Array(koffi.view(tokens, 4 * N_BATCH));
  const nextToken = tokenSource(calls, model);
  // One object for all calls: making it takes a share of a small model's token.
  const batch = { n_tokens: 0, token: tokens, ...EMPTY_BATCH };
  const decode = (nTokens: number): void => {
    batch.n_tokens = nTokens;
    const status: number = calls.decode(context, batch);
    if (status !== 0) throw new Error(`llama_decode returned ${status} for ${nTokens} tokens`);
  };
  return {
    handle: context,
    clear: () => calls.clear(calls.memory(context), false),
    prompt(nTokens) {
      for (let done = 0; done < nTokens; done += N_BATCH) {
        const n = Math.min(N_BATCH, nTokens - done);
        for (let i = 0; i < n; i++) ids[i] = nextToken(done + i === 0);
        decode(n);
      }
      calls.synchronize(context);
    },
    generate(nTokens) {
      for (let i = 0; i < nTokens; i++) {
        ids[0] = nextToken(i === 0);
        decode(1);
        calls.synchronize(context);
      }
    },
    memory: () => calls.breakdown(context),
    save: () => save(calls, context),
    restore: (state) => Number(calls.setState(context, state, state.length, 0)) !== 0,
    close() {
      calls.closeContext(context);
      calls.freeThreads(pool);
      koffi.free(tokens);
    },
  };
}

export const EMPTY_BATCH = { embd: null, pos: null, n_seq_id: null, seq_id: null, logits: null };

/** As llama-bench starts: with the token that begins a text, where the model has one. */
function tokenSource(calls: Calls, model: unknown): (isFirst: boolean) => number {
  const vocab: unknown = calls.vocab(model);
  const nVocab: number = calls.nVocab(vocab);
  const bos: number | null = calls.addsBos(vocab) ? calls.bos(vocab) : null;
  return (isFirst) => (isFirst && bos !== null ? bos : Math.floor(Math.random() * nVocab));
}

/** Node's buffers hold no more. */
const MAX_STATE_BYTES = 2 ** 32;

function save(calls: Calls, context: unknown): Uint8Array | null {
  const sizeBytes = Number(calls.stateSize(context, 0));
  if (sizeBytes > MAX_STATE_BYTES) return null;
  const state = new Uint8Array(sizeBytes);
  return Number(calls.getState(context, state, sizeBytes, 0)) === 0 ? null : state;
}
