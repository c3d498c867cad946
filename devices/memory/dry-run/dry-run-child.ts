// The dry run's child process: has llama.cpp plan a context that it does not allocate.
// llama.cpp aborts on what it cannot plan, on a device with small buffers for instance, and then
// takes only this process with it.
import { createHash } from 'node:crypto';
import { type Addon, loadAddon } from '../../../llama/addon.js';
import { ggmlTypeId } from '../../../llama/ggml-types.js';
import type { Backend } from '../../../llama/settings.js';
import type {
  DryRunQuestion,
  DryRunResult,
  DryRunSettings,
  FromDryRun,
  LocalGpu,
} from './dry-run-protocol.js';

type PlannedModel = InstanceType<Addon['AddonModel']>;

/** Planned models, the one used last at the end: a search asks for the same one again and again. */
const models = new Map<string, PlannedModel>();
const MAX_MODELS = 4;

let warnings: string[] = [];
const addon = await loadAddon(process.argv[2] as Backend, (line) => warnings.push(line));

const send = (message: FromDryRun): void => {
  process.send?.(message);
};
/** One after the other: the log of one must not be read as another's. */
let last: Promise<void> = Promise.resolve();
process.on('message', (question: DryRunQuestion) => {
  last = last.then(() => answer(question));
});
process.on('disconnect', () => process.exit());
send({ kind: 'ready', gpu: findGpu(process.argv[2] as Backend) });

/** Vulkan's library loads where there is no card, too. */
function findGpu(backend: Backend): LocalGpu | null {
  const { total, unifiedSize } = addon.getGpuVramInfo();
  if (backend === 'cpu' || total === 0) return null;
  return { backend, totalBytes: total, isShared: unifiedSize > 0 };
}

async function answer({ id, header, settings }: DryRunQuestion): Promise<void> {
  try {
    const model = await openModel(Buffer.from(header), settings.gpuLayers);
    send({ kind: 'result', id, result: await planContext(model, settings) });
  } catch (error) {
    send({ kind: 'failed', id, message: (error as Error).message });
  }
}

async function openModel(header: Buffer, gpuLayers: number): Promise<PlannedModel> {
  const key = `${gpuLayers} ${createHash('sha256').update(header).digest('hex')}`;
  const model = models.get(key) ?? (await loadModel(header, gpuLayers));
  models.delete(key);
  models.set(key, model);
  const [oldest] = models;
  if (models.size > MAX_MODELS && oldest) {
    models.delete(oldest[0]);
    await oldest[1].dispose();
  }
  return model;
}

async function loadModel(header: Buffer, gpuLayers: number): Promise<PlannedModel> {
  const metadata = new addon.AddonGgufMetadata();
  await metadata.init([header]);
  const model = new addon.AddonModel('', {
    gpuLayers,
    noAlloc: true,
    useMmap: false,
    useMlock: false,
  });
  if (await model.init(metadata)) return model;
  throw new Error(`llama.cpp cannot load such a model: ${await lastWarnings()}`);
}

async function planContext(model: PlannedModel, settings: DryRunSettings): Promise<DryRunResult> {
  warnings = [];
  const context = new addon.AddonContext(model, {
    contextSize: settings.nCells,
    batchSize: settings.nBatch,
    sequences: settings.parallel,
    embeddings: false,
    flashAttention: settings.flashAttention,
    kvCacheKeyType: ggmlTypeId(settings.kvType),
    kvCacheValueType: ggmlTypeId(settings.kvType),
    swaFullCache: false,
  });
  try {
    if (!(await context.init()))
      throw new Error(`llama.cpp cannot make such a context: ${await lastWarnings()}`);
    const { cpuRam, gpuVram } = context.getMemoryBreakdown();
    const isOff = /Flash Attention not supported/.test(await lastWarnings());
    const flashAttention = settings.flashAttention !== false && !isOff;
    return { hostBytes: cpuRam, deviceBytes: gpuVram, flashAttention };
  } finally {
    await context.dispose();
  }
}

/** llama.cpp's log arrives by way of the event loop. */
async function lastWarnings(): Promise<string> {
  await new Promise((resolve) => setImmediate(resolve));
  return warnings.map((line) => line.trim()).join(' ');
}
