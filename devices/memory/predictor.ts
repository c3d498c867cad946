// Memory of a model with given settings: weights and KV by arithmetic, compute buffers by llama.cpp's
// dry run, overhead from a table. A backend that is not here is planned on the CPU and moved over.
import { createHash } from 'node:crypto';
import type { Backend } from '../../llama/settings.js';
import type { SizedModel } from '../../model/shape/sized-model.js';
import { assemble, type ContextPlan, plannedContext } from './assemble.js';
import { estimateCompute, moveToGpu } from './compute-buffers.js';
import { DryRun, DryRunRefusal } from './dry-run/dry-run.js';
import type { DryRunResult, DryRunSettings, LocalGpu } from './dry-run/dry-run-protocol.js';
import { dryRunHeader } from './dry-run/header.js';
import { kvCacheBytes } from './kv-cache.js';
import {
  type MemoryPrediction,
  MemoryPredictionError,
  type MemoryPredictor,
  type MemorySettings,
} from './memory-prediction.js';
import { checkModel, type ResolvedSettings, resolveSettings } from './resolved-settings.js';

/** A predictor; its child processes are started when first needed, and end with `close()`. */
export function openMemoryPredictor(): MemoryPredictor {
  return new DryRunPredictor();
}

/** By what was asked. */
type Answers = Map<string, Promise<DryRunResult | null>>;
type KnownModel = { header: Buffer; answers: Answers };

/** As node-llama-cpp tries them. */
const GPU_BACKENDS =
  process.platform === 'darwin' ? ['metal' as const] : ['cuda' as const, 'vulkan' as const];

class DryRunPredictor implements MemoryPredictor {
  readonly #dryRuns = new Map<Backend, DryRun>();
  readonly #models = {
    cpu: new WeakMap<SizedModel, KnownModel>(),
    gpu: new WeakMap<SizedModel, KnownModel>(),
  };
  /** By the header's digest: a plan asks for one model in many types, which the CPU plans alike. */
  readonly #answers = new Map<string, Answers>();
  /** GPUs here on which llama.cpp aborted. */
  readonly #broken = new Set<Backend>();

  async predict(model: SizedModel, settings: MemorySettings): Promise<MemoryPrediction> {
    checkModel(model);
    const resolved = resolveSettings(model, settings);
    const onGpu = settings.backend === 'cpu' ? null : await this.#planOnGpu(model, resolved);
    return assemble(model, resolved, onGpu ?? (await this.#planOnCpu(model, resolved)));
  }

  async localGpu(): Promise<LocalGpu | null> {
    for (const backend of GPU_BACKENDS) {
      const gpu = await this.#dryRun(backend).localGpu();
      if (gpu) return gpu;
    }
    return null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#dryRuns.values()].map((dryRun) => dryRun.close()));
    this.#dryRuns.clear();
  }

  /** Null where no such GPU is here. */
  async #planOnGpu(model: SizedModel, settings: ResolvedSettings): Promise<ContextPlan | null> {
    const { backend } = settings;
    if (this.#broken.has(backend) || (await this.#dryRun(backend).localGpu()) === null) return null;
    const result = await this.#ask(backend, model, settings);
    if (result === null) {
      this.#broken.add(backend);
      return null;
    }
    const { flashAttention, deviceBytes: device, hostBytes: host } = result;
    return plannedContext(model.shape, { ...settings, flashAttention }, { device, host });
  }

  async #planOnCpu(model: SizedModel, settings: ResolvedSettings): Promise<ContextPlan> {
    const { shape } = model;
    const kv = kvCacheBytes(shape, settings);
    const onCpu = { ...settings, gpuLayers: 0 };
    const result = await this.#ask('cpu', model, onCpu);
    if (result === null)
      return { kv, compute: estimateCompute(shape, settings), source: 'formula' };
    const { flashAttention, hostBytes } = result;
    const cpuBytes =
      hostBytes - kvCacheBytes(shape, { ...onCpu, backend: 'cpu', flashAttention }).host;
    return { kv, compute: moveToGpu(shape, cpuBytes, settings), source: 'dry-run' };
  }

  /** Null where llama.cpp cannot be asked. Asked once, as devices of one backend all ask alike. */
  #ask(
    backend: Backend,
    model: SizedModel,
    { gpuLayers, nCells, parallel, nBatch, kvType, ...settings }: ResolvedSettings,
  ): Promise<DryRunResult | null> {
    const flashAttention =
      backend === settings.backend ? settings.askedFlashAttention : settings.flashAttention;
    const asked = { gpuLayers, nCells, parallel, nBatch, kvType, flashAttention };
    const key = `${backend} ${JSON.stringify(asked)}`;
    const known = this.#known(backend === 'cpu' ? 'cpu' : 'gpu', model);
    const answer = known.answers.get(key) ?? plan(this.#dryRun(backend), known.header, asked);
    known.answers.set(key, answer);
    return answer;
  }

  #known(kind: 'cpu' | 'gpu', model: SizedModel): KnownModel {
    const known = this.#models[kind].get(model);
    if (known) return known;
    const header = dryRunHeader(model, { hasTypes: kind === 'gpu' });
    const digest = createHash('sha256').update(header).digest('hex');
    const answers = this.#answers.get(digest) ?? new Map();
    this.#answers.set(digest, answers);
    const added = { header, answers };
    this.#models[kind].set(model, added);
    return added;
  }

  #dryRun(backend: Backend): DryRun {
    const dryRun = this.#dryRuns.get(backend) ?? new DryRun(backend);
    this.#dryRuns.set(backend, dryRun);
    return dryRun;
  }
}

async function plan(
  dryRun: DryRun,
  header: Buffer,
  asked: DryRunSettings,
): Promise<DryRunResult | null> {
  try {
    return await dryRun.plan(header, asked);
  } catch (cause) {
    if (!(cause instanceof DryRunRefusal)) return null;
    throw new MemoryPredictionError(cause.message, { cause });
  }
}
