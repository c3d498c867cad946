// A model in llama.cpp itself, without the binding's queue in between: the calls that llama-bench makes,
// in its order, with its threads. The queue costs 40 µs a token, a tenth of a small model's.
// Runs in a process of its own, which llama.cpp may end. Samples nothing.

import { statSync } from 'node:fs';
import koffi, { type LibraryHandle } from 'koffi';
import { loadAddon } from './addon.js';
import { allocateBatch, type LlamaBatch } from './batch.js';
import { tryThreads } from './first-thread-trial.js';
import { loadLibrary } from './load-library.js';
import { bindBreakdown, type MemoryBreakdown } from './memory-breakdown.js';
import { type LlamaSettings, N_BATCH, N_UBATCH } from './model-settings.js';
import { checkLayout, type Params } from './structs.js';
import { ThreadTuner, threadCounts } from './thread-tuner.js';

/** llama.h's llama_load_mode. */
const LOAD_MODES = { none: 0, mmap: 1 } as const;

export type OpenModel = {
  vocab: LlamaVocab;
  /** llama.cpp's own words: `deci 7B Q4_K - Medium`. */
  type: string;
  /** Finds, where it is not told, with how many threads a token is quickest. */
  tryThreads(): Promise<void>;
  /** Threads that compute batches of about `nTokens`, as far as it is known by now. */
  threadsFor(nTokens: number): number;
  openContext(nCtx: number, options?: ContextOptions): LlamaContext;
  /** In use on the GPUs, by any program; null without one. */
  usedDeviceBytes(): number | null;
  /** Frees the weights; its contexts are closed before. */
  close(): void;
};

export type ContextOptions = {
  /** In place of that of the settings. */
  kvTypeId?: number;
  /** Told of the nodes of each graph; weight-inputs.ts makes one. */
  evalCallback?: unknown;
};

/** Computes one token, as a text's first, by so many threads; returns how long it took, in ms. */
type TunedContext = LlamaContext & { timeToken(threads: number): number };

export type LlamaVocab = {
  nTokens: number;
  /** The token that begins a text; null where the model wants none. */
  bos: number | null;
  /** With the tokens around a text, without reading tokens such as `</s>` out of it. */
  tokenize(text: string): Int32Array;
};

export type LlamaContext = {
  /** Forgets all tokens. */
  clear(): void;
  /** Evaluates `nTokens` random ones in batches, and waits until they are done. Time does not depend
   * on which they are, as llama-bench has it too. */
  prompt(nTokens: number): void;
  /** Evaluates `nTokens` random ones one by one, each done before the next. */
  generate(nTokens: number): void;
  /** Evaluates the first `nTokens` of a batch. Throws where llama.cpp fails. */
  decode(batch: LlamaBatch, nTokens: number): void;
  /** Of the last `decode`: a row of the vocabulary's size for each of the `n` tokens whose logits were
   * asked for. A view that the next one overwrites. */
  logits(n: number): Float32Array;
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
): Promise<OpenModel> {
  const addon = await loadAddon(settings.gpu || 'cpu', onLog);
  const calls = bind(settings.libraries);
  const defaults = calls.modelDefaults();
  checkLayout(defaults, calls.contextDefaults());
  const model: unknown = calls.loadModel(settings.modelPath, {
    ...defaults,
    n_gpu_layers: settings.gpuLayers,
    load_mode: settings.mmap ? LOAD_MODES.mmap : LOAD_MODES.none,
    use_extra_bufts: !settings.keepsOrder,
  });
  if (!model) throw new Error(`llama.cpp cannot load ${settings.modelPath}`);
  const vocab = openVocab(calls, model);
  const tuner = new ThreadTuner(
    settings.hasFixedThreads ? [settings.threads] : threadCounts(settings.threads),
  );
  const opened = { model, vocab, tuner };
  return {
    vocab,
    type: describe(calls, model),
    tryThreads: () => tryThreadsOn(openContext(calls, opened, settings, 1), settings, tuner),
    threadsFor: (nTokens) => tuner.settled(nTokens),
    openContext: (nCtx, options) => openContext(calls, opened, { ...settings, ...options }, nCtx),
    usedDeviceBytes: () => (settings.gpu === false ? null : addon.getGpuVramInfo().used),
    close: () => calls.closeModel(model),
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
    closeModel: f('void llama_model_free(void *model)'),
    modelDescription: f('int llama_model_desc(void *model, uint8_t *text, size_t size)'),
    vocab: f('void *llama_model_get_vocab(void *model)'),
    nVocab: f('int llama_vocab_n_tokens(void *vocab)'),
    addsBos: f('bool llama_vocab_get_add_bos(void *vocab)'),
    bos: f('int llama_vocab_bos(void *vocab)'),
    tokenize: f(
      'int32_t llama_tokenize(void *vocab, const uint8_t *text, int32_t length, int32_t *tokens, int32_t max, bool special, bool parse)',
    ),
    openContext: f('void *llama_init_from_model(void *model, llama_context_params params)'),
    closeContext: f('void llama_free(void *context)'),
    memory: f('void *llama_get_memory(void *context)'),
    clear: f('void llama_memory_clear(void *memory, bool data)'),
    setThreads: f('void llama_set_n_threads(void *context, int32_t n, int32_t n_batch)'),
    attachThreads: f('void llama_attach_threadpool(void *context, void *pool, void *batch_pool)'),
    decode: f('int llama_decode(void *context, llama_batch batch)'),
    logits: f('void *llama_get_logits(void *context)'),
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

const MAKE_THREADS = koffi.proto('void *ggml_threadpool_new(uint8_t *params)');
const FREE_THREADS = koffi.proto('void ggml_threadpool_free(void *pool)');

/** The pool of threads is made in the CPU backend's own library, which only its registry can reach. */
function bindThreads(backends: LibraryHandle, library: LibraryHandle) {
  const cpuDevice = backends.func('void *ggml_backend_dev_by_type(int type)')(0);
  const registry = library.func('void *ggml_backend_dev_backend_reg(void *device)')(cpuDevice);
  const find = library.func(
    'void *ggml_backend_reg_get_proc_address(void *registry, const char *)',
  );
  return {
    threadDefaults: library.func('void ggml_threadpool_params_init(uint8_t *params, int n)'),
    makeThreads: (params: Uint8Array): unknown =>
      koffi.call(find(registry, 'ggml_threadpool_new'), MAKE_THREADS, params),
    freeThreads: (pool: unknown): void =>
      koffi.call(find(registry, 'ggml_threadpool_free'), FREE_THREADS, pool),
  };
}

function openVocab(calls: Calls, model: unknown): LlamaVocab {
  const vocab: unknown = calls.vocab(model);
  return {
    nTokens: calls.nVocab(vocab),
    bos: calls.addsBos(vocab) ? calls.bos(vocab) : null,
    tokenize(text) {
      const bytes = Buffer.from(text, 'utf8');
      const tokens = new Int32Array(bytes.length + 2);
      const n: number = calls.tokenize(
        ...([vocab, bytes, bytes.length, tokens, tokens.length, true, false] as const),
      );
      if (n < 0) throw new Error(`llama.cpp cannot split a text of ${bytes.length} bytes`);
      return tokens.slice(0, n);
    },
  };
}

function describe(calls: Calls, model: unknown): string {
  const text = new Uint8Array(256);
  const length: number = calls.modelDescription(model, text, text.length);
  return Buffer.from(text.subarray(0, Math.min(length, text.length))).toString();
}

async function tryThreadsOn(
  context: TunedContext,
  { modelPath }: LlamaSettings,
  tuner: ThreadTuner,
): Promise<void> {
  try {
    const { size } = statSync(modelPath);
    await tryThreads(tuner, size, (threads) => context.timeToken(threads));
  } finally {
    context.close();
  }
}

/** Room for ggml_threadpool_params, a mask of 512 cores and five numbers. */
const THREAD_PARAMS_BYTES = 1024;

function openContext(
  calls: Calls,
  { model, vocab, tuner }: { model: unknown; vocab: LlamaVocab; tuner: ThreadTuner },
  settings: LlamaSettings & ContextOptions,
  nCtx: number,
): TunedContext {
  const { threads, kvTypeId, flashAttention, evalCallback = null } = settings;
  const context: unknown = calls.openContext(model, {
    ...calls.contextDefaults(),
    n_ctx: nCtx,
    n_batch: N_BATCH,
    n_ubatch: N_UBATCH,
    type_k: kvTypeId,
    type_v: kvTypeId,
    flash_attn_type: Number(flashAttention),
    swa_full: false,
    cb_eval: evalCallback,
  });
  if (!context) throw new Error(`a context of ${nCtx} tokens cannot be made`);
  const threadParams = new Uint8Array(THREAD_PARAMS_BYTES);
  calls.threadDefaults(threadParams, threads);
  const pool = calls.makeThreads(threadParams);
  calls.attachThreads(context, pool, null);
  const batch = allocateBatch(N_BATCH);
  const nextToken = tokenSource(vocab);
  const compute = ({ struct }: LlamaBatch, nTokens: number, by: number) => {
    calls.setThreads(context, by, by);
    struct.n_tokens = nTokens;
    const status: number = calls.decode(context, struct);
    if (status !== 0) throw new Error(`llama_decode returned ${status} for ${nTokens} tokens`);
    calls.synchronize(context);
  };
  const decode: LlamaContext['decode'] = (batch, nTokens) => {
    const by = tuner.choose(nTokens);
    const cost = timed(() => compute(batch, nTokens, by));
    tuner.record({ nTokens, threads: by, ...cost });
  };
  return {
    decode,
    timeToken(by) {
      calls.clear(calls.memory(context), false);
      batch.tokens[0] = nextToken(true);
      return timed(() => compute(batch, 1, by)).wallMs;
    },
    logits: (n) => new Float32Array(koffi.view(calls.logits(context), 4 * vocab.nTokens * n)),
    clear: () => calls.clear(calls.memory(context), false),
    prompt(nTokens) {
      for (let done = 0; done < nTokens; done += N_BATCH) {
        const n = Math.min(N_BATCH, nTokens - done);
        for (let i = 0; i < n; i++) batch.tokens[i] = nextToken(done + i === 0);
        decode(batch, n);
      }
    },
    generate(nTokens) {
      for (let i = 0; i < nTokens; i++) {
        batch.tokens[0] = nextToken(i === 0);
        decode(batch, 1);
      }
    },
    memory: () => calls.breakdown(context),
    save: () => save(calls, context),
    restore: (state) => Number(calls.setState(context, state, state.length, 0)) !== 0,
    close() {
      calls.closeContext(context);
      calls.freeThreads(pool);
      batch.free();
    },
  };
}

function timed(work: () => void): { wallMs: number; cpuMs: number } {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  work();
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

/** As llama-bench starts: with the token that begins a text, where the model has one. */
function tokenSource({ nTokens, bos }: LlamaVocab): (isFirst: boolean) => number {
  return (isFirst) => (isFirst && bos !== null ? bos : Math.floor(Math.random() * nTokens));
}

/** Node's buffers hold no more. */
const MAX_STATE_BYTES = 2 ** 32;

function save(calls: Calls, context: unknown): Uint8Array | null {
  const sizeBytes = Number(calls.stateSize(context, 0));
  if (sizeBytes > MAX_STATE_BYTES) return null;
  const state = new Uint8Array(sizeBytes);
  return Number(calls.getState(context, state, sizeBytes, 0)) === 0 ? null : state;
}
