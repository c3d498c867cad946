// From a path and options to a model that can answer, on the best device on which it fits.
// node-llama-cpp picks device, layers and context by simulating the allocation in llama.cpp.
// Runs only in the engine's child process, as loading can abort the process.
import path from 'node:path';
import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import { type Native, nativeParts } from '../../../llama/node-llama-internals.js';
import type { GgufFile } from '../../../model/gguf/gguf-file.js';
import type { EngineInfo, EngineOptions, ModelFile, PredictedMemory } from '../engine.js';
import { EngineError } from '../engine-error.js';
import { describeFile } from '../model-file.js';
import { type DraftModel, openDraft, readDraftFile, readyDraft } from './draft-model.js';
import { architectureOf, checkHeader, readHeader } from './gguf-check.js';
import { hasDevice, type OpeningLlama } from './open-llama.js';
import {
  checkArchitecture,
  openContext,
  openModel,
  tuneThreads,
  withoutSlowAttention,
} from './open-model.js';
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
export async function loadModel(opening: OpeningLlama, asked: EngineOptions, events: LoadEvents) {
  const [llama, file] = await Promise.all([opening.llama, readModelFile(asked, events)]);
  checkArchitecture(llama, file);
  const { draftPath } = asked;
  const draftFile =
    draftPath === undefined ? undefined : await readDraftFile(llama, draftPath, file);
  const model = await openModel(llama, asked, events.onProgress);
  checkForgets(model, asked);
  // Before the context, which may take all the memory that is left.
  const opened = draftFile && (await openDraft(llama, draftFile, asked));
  const options = await withoutSlowAttention(model, file, asked);
  const context = await openContext(model, options);
  const native = nativeParts(llama, model, context);
  const threads = await tuneThreads(native, model, options);
  // llama.cpp's log arrives by way of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  const lines = opening.takeLines();
  const draft = opened && (await readyDraft(llama, opened, context));
  const loadMs = performance.now() - opening.startedAt;
  const parts = { llama, model, context, native, file, options, lines, loadMs };
  const info = withDraft(await describe(parts), draft);
  const swaSize = model.fileInsights.swaSize ?? undefined;
  const thinks = options.thinking ?? true;
  return { llama, model, native, info, threads, nBatch: context.batchSize, swaSize, thinks, draft };
}

/** What was drafted and is wrong must leave the cache without a trace. */
function checkForgets({ fileInsights }: LlamaModel, { modelPath, draftPath }: EngineOptions): void {
  const { swaSize, isRecurrent, isHybrid } = fileInsights;
  if (!draftPath || !(swaSize || isRecurrent || isHybrid)) return;
  throw new EngineError({
    code: 'load-failed',
    message: `${modelPath} cannot be drafted for: its memory does not keep every token (sliding windows or recurrent layers); leave --draft out`,
  });
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

/** Memory of both; the process is there once. */
function withDraft(info: EngineInfo, draft: DraftModel | undefined): EngineInfo {
  if (!draft) return info;
  const { weightsBytes, contextBytes, predicted } = draft;
  const kvBytes = predicted?.kvBytes ?? 0;
  return {
    ...info,
    draft: draft.info,
    weightsBytes: info.weightsBytes + weightsBytes,
    kvBytes: info.kvBytes + kvBytes,
    computeBytes: info.computeBytes + contextBytes - kvBytes,
    predicted: info.predicted && predicted ? bothPredicted(info.predicted, predicted) : null,
  };
}

function bothPredicted(model: PredictedMemory, draft: PredictedMemory): PredictedMemory {
  const [weightsBytes, kvBytes, computeBytes] = [
    model.weightsBytes + draft.weightsBytes,
    model.kvBytes + draft.kvBytes,
    model.computeBytes + draft.computeBytes,
  ];
  const draftBytes = draft.weightsBytes + draft.kvBytes + draft.computeBytes;
  return { weightsBytes, kvBytes, computeBytes, totalBytes: model.totalBytes + draftBytes };
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
