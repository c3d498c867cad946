// From a path and options to a model that can answer, on the best device on which it fits.
// node-llama-cpp picks device, layers and context by simulating the allocation in llama.cpp.
// Runs only in the engine's child process, as loading can abort the process.
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import { type Native, nativeBindings, nativeParts } from '../../../llama/node-llama-internals.js';
import { ThreadTuner, threadCounts, tryThreads } from '../../../llama/thread-tuner.js';
import type { GgufFile } from '../../../model/gguf/gguf-file.js';
import type { EngineInfo, EngineOptions, ModelFile } from '../engine.js';
import { EngineError } from '../engine-error.js';
import { describeFile } from '../model-file.js';
import { architectureOf, checkHeader, readHeader } from './gguf-check.js';
import { hasDevice, loadError, type OpeningLlama } from './open-llama.js';
import { predictedMemory } from './predicted.js';

export type LoadedEngine = Awaited<ReturnType<typeof loadModel>>;

export type LoadEvents = {
  /** Told of a file that was read, whether or not it can be run, and of its chat template. */
  onFile: (file: ModelFile, chatTemplate: string | null) => void;
  onProgress: (progress: number) => void;
};

/**
 * Loads the model. Throws {@link EngineError} `load-failed` with what is wrong with the file, or with
 * llama.cpp's own reason.
 */
export async function loadModel(opening: OpeningLlama, options: EngineOptions, events: LoadEvents) {
  const [llama, file] = await Promise.all([opening.llama, readModelFile(options, events)]);
  checkArchitecture(llama, file);
  const model = await openModel(llama, options, events.onProgress);
  const context = await openContext(model, options);
  const native = nativeParts(llama, model, context);
  const threads = await tuneThreads(native, model, options);
  // llama.cpp's log arrives by way of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  const loadMs = performance.now() - opening.startedAt;
  const lines = opening.takeLines();
  const info = await describe({ llama, model, context, native, file, options, lines, loadMs });
  const swaSize = model.fileInsights.swaSize ?? undefined;
  const thinks = options.thinking ?? true;
  return { llama, model, native, info, threads, nBatch: context.batchSize, swaSize, thinks };
}

async function readModelFile(
  { modelPath, chatTemplate }: EngineOptions,
  { onFile }: LoadEvents,
): Promise<GgufFile> {
  const file = await readHeader(modelPath);
  onFile(
    await describeFile(file),
    chatTemplate ?? textOrNull(file.metadata['tokenizer.chat_template']),
  );
  checkHeader(file);
  return file;
}

/** Never more than there are cores; containers often have fewer than the machine. */
function mostThreads({ llama }: LlamaModel, { threads }: EngineOptions): number {
  return threads ?? Math.min(llama.cpuMathCores, availableParallelism());
}

async function tuneThreads(
  native: Native,
  model: LlamaModel,
  options: EngineOptions,
): Promise<ThreadTuner> {
  const most = mostThreads(model, options);
  const tuner = new ThreadTuner(options.threads === undefined ? threadCounts(most) : [most]);
  await tryThreads(tuner, model.size, (threads) => decodeAnyToken(native.context, threads));
  return tuner;
}

async function decodeAnyToken(context: Native['context'], threads: number): Promise<number> {
  const startedAt = performance.now();
  context.setThreads(threads);
  context.initBatch(1);
  context.addToBatch(0, 0, Uint32Array.of(0), Uint32Array.of(0));
  try {
    await context.decodeBatch();
    return performance.now() - startedAt;
  } finally {
    context.disposeSequence(0);
  }
}

function checkArchitecture(llama: Llama, file: GgufFile): void {
  const arch = architectureOf(file);
  if (nativeBindings(llama).getIsArchSupported(arch)) return;
  throw new EngineError({
    code: 'load-failed',
    message: `${file.path} is a "${arch}" model, which llama.cpp ${llama.llamaCppRelease.release} does not know; expected llama, deci, qwen2 or another that it runs`,
  });
}

async function openModel(
  llama: Llama,
  options: EngineOptions,
  onProgress: (progress: number) => void,
): Promise<LlamaModel> {
  const { modelPath, gpuLayers = 'auto', nCtx, parallel = 1, directIo = false } = options;
  const fitContext = nCtx === undefined ? undefined : { contextSize: nCtx * parallel };
  const defaultMmap = (await hasDevice(llama)) ? 'auto' : false;
  try {
    return await llama.loadModel({
      modelPath: path.resolve(modelPath),
      gpuLayers: gpuLayers === 'auto' && fitContext ? { fitContext } : gpuLayers,
      useMmap: directIo ? false : (options.mmap ?? defaultMmap),
      useDirectIo: directIo,
      onLoadProgress: onProgress,
    });
  } catch (cause) {
    throw loadError(`${modelPath} cannot be loaded`, cause);
  }
}

async function openContext(model: LlamaModel, options: EngineOptions): Promise<LlamaContext> {
  const { modelPath, nCtx, parallel = 1, kvType, flashAttention = 'auto' } = options;
  try {
    return await model.createContext({
      sequences: parallel,
      contextSize: nCtx ?? { max: model.trainContextSize },
      flashAttention,
      threads: mostThreads(model, options),
      ...(kvType && {
        experimentalKvCacheKeyType: kvType,
        experimentalKvCacheValueType: kvType,
      }),
      failedCreationRemedy: nCtx === undefined ? {} : false,
    });
  } catch (cause) {
    const size = nCtx === undefined ? 'a context' : `a context of ${nCtx} tokens`;
    const count = parallel > 1 ? ` for each of ${parallel} sequences` : '';
    throw loadError(`${modelPath} loads, but ${size}${count} cannot be made`, cause);
  }
}

type LoadedParts = {
  llama: Llama;
  model: LlamaModel;
  context: LlamaContext;
  native: Native;
  file: GgufFile;
  options: EngineOptions;
  lines: string[];
  loadMs: number;
};

async function describe(parts: LoadedParts): Promise<EngineInfo> {
  const { llama, model, context, native, file, options, lines, loadMs } = parts;
  const weights = native.model.getMemoryBreakdown();
  const used = native.context.getMemoryBreakdown();
  const kvBytes = kvBytesOf(lines);
  const flashAttention = flashAttentionOf(lines, context.flashAttention === true);
  const isOnGpu = model.gpuLayers > 0 && (await hasDevice(llama));
  return {
    modelPath: path.resolve(options.modelPath),
    modelName: String(file.metadata['general.name'] ?? path.basename(options.modelPath)),
    nCtx: context.contextSize,
    nCtxTrain: model.trainContextSize,
    nVocab: vocabularySize(file),
    nEmbd: model.embeddingVectorSize,
    parallel: context.totalSequences,
    backend: llama.gpu === false || !isOnGpu ? 'cpu' : llama.gpu,
    deviceNames: llama.gpu === false ? [] : await llama.getGpuDeviceNames(),
    gpuLayers: model.gpuLayers,
    kvType: options.kvType ?? 'F16',
    threads: context.idealThreads,
    hasFixedThreads: options.threads !== undefined,
    flashAttention,
    mmap: model.useMmap,
    llamaCppRelease: llama.llamaCppRelease.release,
    loadMs,
    weightsBytes: weights.cpuRam + weights.gpuVram,
    kvBytes,
    computeBytes: used.cpuRam + used.gpuVram - kvBytes,
    predicted: await predictedMemory({ file, options, model, context, flashAttention }),
    chatTemplate: options.chatTemplate ?? textOrNull(file.metadata['tokenizer.chat_template']),
    bosTokenId: model.tokens.bos,
    eosTokenId: model.tokens.eos,
    canEmbed: isEmbedder(file),
  };
}

function vocabularySize(file: GgufFile): number {
  const tokens = file.metadata['tokenizer.ggml.tokens'];
  return Array.isArray(tokens) ? tokens.length : 0;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** llama.cpp's mean, cls and last; models without one were trained to write, not to embed. */
const EMBEDDING_POOLINGS = [1, 2, 3];

function isEmbedder(file: GgufFile): boolean {
  const pooling = file.metadata[`${architectureOf(file)}.pooling_type`];
  return typeof pooling === 'number' && EMBEDDING_POOLINGS.includes(pooling);
}

/**
 * What llama.cpp said since the context in use was made; earlier lines belong to trial runs. The binding
 * tells only sums, so that the split of a context into KV and compute is read here.
 */
function contextLines(lines: readonly string[]): readonly string[] {
  const start = lines.findLastIndex((line) => line.includes('constructing llama_context'));
  return lines.slice(Math.max(0, start));
}

/** Bytes of keys and values, of recurrent states too. */
function kvBytesOf(lines: readonly string[]): number {
  const pattern = /^(?:llama_kv_cache|llama_memory_recurrent): size =\s*([\d.]+) MiB/;
  const sizes = contextLines(lines).map((line) => Number(pattern.exec(line)?.[1] ?? 0));
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) * 2 ** 20);
}

/** What became of `auto`, or of what a quantised KV cache makes llama.cpp turn on; `asked` where nothing was said. */
function flashAttentionOf(lines: readonly string[], asked: boolean): boolean {
  const said = contextLines(lines).find((line) => line.includes('Flash Attention'));
  if (said === undefined)
    return asked || contextLines(lines).some((line) => /flash_attn\s+= enabled/.test(line));
  return /enabled/.test(said) && !/disabled|not supported/.test(said);
}
