// The steps from a file to weights in memory, a context, and as many threads as are quickest.
// A model and the smaller one that drafts for it take the same steps.
// Runs only in the engine's child process, as loading can abort the process.
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import { tryThreads } from '../../../llama/first-thread-trial.js';
import { type Native, nativeBindings } from '../../../llama/node-llama-internals.js';
import { ThreadTuner, threadCounts } from '../../../llama/thread-tuner.js';
import type { GgufFile } from '../../../model/gguf/gguf-file.js';
import { shapeOfGguf } from '../../../model/shape/model-shape.js';
import type { EngineOptions } from '../engine.js';
import { EngineError } from '../engine-error.js';
import { flashAttentionOnCpu } from '../narrow-heads.js';
import { architectureOf } from './gguf-check.js';
import { hasDevice, loadError } from './open-llama.js';

export function checkArchitecture(llama: Llama, file: GgufFile): void {
  const arch = architectureOf(file);
  if (nativeBindings(llama).getIsArchSupported(arch)) return;
  throw new EngineError({
    code: 'load-failed',
    message: `${file.path} is a "${arch}" model, which llama.cpp ${llama.llamaCppRelease.release} does not know; expected llama, deci, qwen2 or another that it runs`,
  });
}

export async function openModel(
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

/** The options, with flash attention off where it would hold the CPU up. */
export async function withoutSlowAttention(
  { llama }: LlamaModel,
  file: GgufFile,
  options: EngineOptions,
): Promise<EngineOptions> {
  if ((await hasDevice(llama)) || !['llama', 'deci'].includes(architectureOf(file))) return options;
  return { ...options, flashAttention: flashAttentionOnCpu(options, shapeOfGguf(file)) };
}

/** At most `maxCtx` tokens where the options name no length. */
export async function openContext(
  model: LlamaModel,
  options: EngineOptions,
  maxCtx = model.trainContextSize,
): Promise<LlamaContext> {
  const { modelPath, nCtx, parallel = 1, kvType, flashAttention = 'auto' } = options;
  try {
    return await model.createContext({
      sequences: parallel,
      contextSize: nCtx ?? { max: maxCtx },
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

export async function tuneThreads(
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

/** Never more than there are cores; containers often have fewer than the machine. */
function mostThreads({ llama }: LlamaModel, { threads }: EngineOptions): number {
  return threads ?? Math.min(llama.cpuMathCores, availableParallelism());
}
