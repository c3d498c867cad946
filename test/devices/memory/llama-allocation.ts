// Holds a prediction against what llama.cpp allocates when node-llama-cpp loads the same file.
// It tells weights apart, and a context's KV cache and compute buffers in one, all to the byte; of
// the cache alone its log tells hundredths of a MiB.
import type { Llama } from 'node-llama-cpp';
import type { Test } from 'tap';
import type {
  MemoryPrediction,
  MemoryPredictor,
} from '../../../devices/memory/memory-prediction.js';
import { LlamaLogLevel, openNodeLlama } from '../../../llama/node-llama.js';
import type { KvType } from '../../../llama/settings.js';
import { readGgufFile } from '../../../model/gguf/gguf-file.js';
import { sizedModelOfGguf } from '../../../model/shape/sized-model.js';

const CONTEXTS = [256, 512, 700, 1024, 2048, 4096];
const KV_TYPES: KvType[] = ['F16', 'Q8_0', 'Q4_0'];

type Breakdown = { cpuRam: number; gpuVram: number };
type Measured = { getMemoryBreakdown(): Breakdown };

export type Opened = { llama: Llama; log: string[]; predictor: MemoryPredictor };

/** Once a process: the library keeps the first one's logger. */
export async function openLlama(
  gpu: false | 'vulkan',
  predictor: MemoryPredictor,
): Promise<Opened> {
  const log: string[] = [];
  const llama = await openNodeLlama({
    ...{ gpu, maxThreads: 1 },
    logLevel: LlamaLogLevel.info,
    logger: (_level, line) => log.push(line),
  });
  return { llama, log, predictor };
}

type Case = {
  file: string;
  backend: 'cpu' | 'vulkan';
  mmap: boolean;
  gpuLayers?: number;
  parallel?: number;
  contexts?: number[];
};

export async function compareAllocation(
  t: Test,
  { llama, log, predictor }: Opened,
  asked: Case,
): Promise<void> {
  const { file, backend, mmap, gpuLayers = 0, parallel = 1, contexts = CONTEXTS } = asked;
  const sized = sizedModelOfGguf(await readGgufFile(file));
  const model = await llama.loadModel({ modelPath: file, gpuLayers, useMmap: mmap });
  const weights = breakdown(model, '_model');
  for (const nCtx of contexts)
    for (const kvType of KV_TYPES) {
      const what = `${file.split('/').at(-1)} ${gpuLayers} ${nCtx} ${kvType}`;
      const settings = { backend, nCtx, kvType, parallel, gpuLayers, mmap };
      if (kvType !== 'F16' && sized.shape.headSize % 32 !== 0) {
        await t.rejects(predictor.predict(sized, settings), { code: 'HEARTH_MEMORY' }, what);
        continue;
      }
      const predicted = await predictor.predict(sized, settings);
      log.length = 0;
      const context = await model.createContext({
        ...{ contextSize: nCtx, sequences: parallel, threads: 1, flashAttention: 'auto' },
        ...{ experimentalKvCacheKeyType: kvType, experimentalKvCacheValueType: kvType },
      });
      const used = breakdown(context, '_ctx');
      await new Promise((resolve) => setImmediate(resolve));
      t.same(both(predicted, 'weightsBytes'), weights, `weights: ${what}`);
      t.ok(isSame(contextBytes(predicted), used), `context: ${what}`);
      t.ok(Math.abs(kvMib(predicted) - loggedKvMib(log)) < LOG_PRECISION, `KV cache: ${what}`);
      await context.dispose();
    }
  await model.dispose();
}

function breakdown(owner: object, part: '_model' | '_ctx'): Breakdown {
  return (Reflect.get(owner, part) as Measured).getMemoryBreakdown();
}

function both({ device, host }: MemoryPrediction, part: 'weightsBytes'): Breakdown {
  return { cpuRam: host[part], gpuVram: device?.[part] ?? 0 };
}

function contextBytes({ device, host }: MemoryPrediction): Breakdown {
  return {
    cpuRam: host.kvBytes + host.computeBytes,
    gpuVram: device ? device.kvBytes + device.computeBytes : 0,
  };
}

/** Vulkan aligns what it pins for its inputs by 32 bytes that no plan counts. */
const PINNED_BYTES = 32;

function isSame(predicted: Breakdown, used: Breakdown): boolean {
  const host = used.cpuRam - predicted.cpuRam;
  return used.gpuVram === predicted.gpuVram && (host === 0 || host === PINNED_BYTES);
}

/** Half a hundredth, and what lies between a float and its decimals. */
const LOG_PRECISION = 0.005_01;

function kvMib({ device, host }: MemoryPrediction): number {
  return (host.kvBytes + (device?.kvBytes ?? 0)) / 2 ** 20;
}

/** Of the last cache that was made, over all sequences. */
function loggedKvMib(log: readonly string[]): number {
  const line = log.findLast((text) => text.startsWith('llama_kv_cache: size ='));
  return Number(/size =\s*([\d.]+) MiB/.exec(line ?? '')?.[1]);
}
