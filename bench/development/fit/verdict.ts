// The verdict of hearth fit against the truth: the model is loaded with the largest context that was
// predicted to fit, held to that memory where the system can hold it, and answers; five percent more
// context are allocated by llama.cpp itself, and are more than the budget.
import { budgetDevice } from '../../../devices/fit/budget-device.js';
import type { Fit } from '../../../devices/fit/fit.js';
import type { Fitter } from '../../../devices/fit/fitter.js';
import type { MemoryBreakdown } from '../../../llama/memory-breakdown.js';
import type { Backend, KvType } from '../../../llama/settings.js';
import { readGgufFile } from '../../../model/gguf/gguf-file.js';
import { sizedModelOfGguf } from '../../../model/shape/sized-model.js';
import type { EngineInfo } from '../../../runtime/engine/engine.js';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { hostBudget } from '../../measure/budget.js';
import { allocate } from './allocation.js';

export type Combination = {
  modelPath: string;
  backend: Backend;
  kvType: KvType;
  memoryBytes: number;
};

export type BenchVerdict = {
  nCtx: number;
  /** In words, what was other than predicted; none where the verdict was right. */
  mistakes: string[];
};

const MORE = 1.05;

/** Null where memory does not limit the context: the verdict then says nothing to try. */
export async function tryVerdict(
  fitter: Fitter,
  asked: Combination,
  signal: AbortSignal,
): Promise<BenchVerdict | null> {
  const { modelPath, backend, kvType, memoryBytes } = asked;
  const model = sizedModelOfGguf(await readGgufFile(modelPath));
  const gpu =
    backend === 'cpu' ? null : { backend, totalBytes: memoryBytes, isShared: false as const };
  const fit = await fitter.fit(model, budgetDevice(memoryBytes, gpu), { kvType });
  const nCtx = fit.maxCtx;
  if (nCtx === 0 || nCtx === model.shape.nCtxTrain) return null;
  const gpuLayers = backend === 'cpu' ? 0 : model.shape.nLayer + 1;
  const contexts = [nCtx, Math.ceil(MORE * nCtx)].map((n) => ({ nCtx: n, kvType }));
  const allocating = { modelPath, backend, gpuLayers, mmap: backend !== 'cpu' };
  const [fitting, more] = await allocate(allocating, contexts, signal);
  const needed = { fitting: needs(fitting, fit), more: needs(more, fit) };
  const failure = await load(asked, nCtx);
  return {
    nCtx,
    mistakes: [
      ...(needed.fitting > fit.budgetBytes ? [`${nCtx} tokens take ${needed.fitting} bytes`] : []),
      ...(needed.more <= fit.budgetBytes ? [`${MORE} times ${nCtx} tokens fit as well`] : []),
      ...(failure === null ? [] : [`${nCtx} tokens: ${failure}`]),
    ],
  };
}

/** By llama.cpp's count, with the process or the driver's context, of the pool that the budget is of. */
function needs(allocated: MemoryBreakdown | undefined, { memory, device }: Fit): number {
  const pool = memory.device === null ? 'host' : 'device';
  const { weightsBytes, kvBytes, computeBytes } = (allocated as MemoryBreakdown)[pool];
  const parts = memory[pool] ?? memory.host;
  if (device.kind === 'shared') throw new Error('a shared pool is not tried here');
  return weightsBytes + kvBytes + computeBytes + parts.overheadBytes;
}

/**
 * The engine, held to the memory where that is the system's, answers one question: null where it does.
 * How its peak compares with what was predicted is for hearth measure, whose prompts fill the buffers.
 */
async function load(asked: Combination, nCtx: number): Promise<string | null> {
  const { modelPath, backend, kvType, memoryBytes } = asked;
  const gpu = backend === 'cpu' ? ('off' as const) : backend;
  const budget = backend === 'cpu' ? hostBudget(memoryBytes) : null;
  const engine = startEngine({ modelPath, gpu, kvType, nCtx, threads: 1 });
  try {
    if (engine.pid !== undefined) budget?.hold(engine.pid);
    const info: EngineInfo = await engine.ready();
    const prompt = { kind: 'text', text: 'one two three four' } as const;
    for await (const _ of engine.generate({ input: prompt, maxTokens: 1 }));
    const { peakRssBytes } = await engine.memory();
    return failureOf(info, nCtx, peakRssBytes, asked);
  } catch (error) {
    return (error as Error).message;
  } finally {
    await engine.close().finally(() => budget?.remove());
  }
}

function failureOf(
  info: EngineInfo,
  nCtx: number,
  peakRssBytes: number,
  { backend, memoryBytes }: Combination,
): string | null {
  if (info.nCtx < nCtx) return `the context that was made has ${info.nCtx}`;
  if (info.backend !== backend) return `loaded on ${info.backend}`;
  const isOver = backend === 'cpu' && peakRssBytes > memoryBytes;
  return isOver ? `the process took ${peakRssBytes} bytes of ${memoryBytes}` : null;
}
