// --memory: a budget kept as a contract. Context and layers are chosen so that the model is predicted
// to stay below it, and what cannot is refused before anything is loaded.
// On a GPU the budget is of its memory, on the CPU of the system's.
import path from 'node:path';
import { advise } from '../../devices/fit/advice.js';
import { budgetDevice } from '../../devices/fit/budget-device.js';
import type { Fit, FitRequest } from '../../devices/fit/fit.js';
import { changeText } from '../../devices/fit/fit-report.js';
import { type Fitter, openFitter } from '../../devices/fit/fitter.js';
import type { LocalGpu } from '../../devices/memory/dry-run/dry-run-protocol.js';
import type { MemoryPredictor } from '../../devices/memory/memory-prediction.js';
import { pairedPredictor } from '../../devices/memory/paired-predictor.js';
import { openMemoryPredictor } from '../../devices/memory/predictor.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { type SizedModel, sizedModelOfGguf } from '../../model/shape/sized-model.js';
import { formatMemory } from '../../terminal/units.js';
import { defined } from '../defined.js';
import type { EngineOptions, ModelFile } from './engine.js';
import { describeFile } from './model-file.js';
import { flashAttentionOnCpu } from './narrow-heads.js';

/** Thrown for a model that cannot stay within its budget; the message says what would. */
export class MemoryBudgetError extends Error {
  override readonly name = 'MemoryBudgetError';
  readonly code = 'HEARTH_MEMORY_BUDGET';
}

/** Bytes, and in words where they come from, such as `--memory 4.00 GiB`. */
export type Budget = { memoryBytes: number; source: string };

/**
 * The options with which the model stays below `memoryBytes`, its context as long as that allows; what the
 * user chose stays as chosen. Rejects as {@link fitBudget} does.
 */
export async function withinMemory(
  options: EngineOptions,
  memoryBytes: number,
): Promise<{ options: EngineOptions; fit: Fit }> {
  const predictor = openMemoryPredictor();
  try {
    const budget = { memoryBytes, source: `--memory ${formatMemory(memoryBytes)}` };
    const { fit, options: settled } = await fitBudget(options, () => budget, predictor);
    const isWhole = fit.verdict.kind !== 'fits-with-cpu-layers';
    const nCtx = options.nCtx ?? (isWhole ? fit.maxCtx : fit.placed.nCtx);
    return { options: { ...settled, nCtx, ...placement(fit) }, fit };
  } finally {
    await predictor.close();
  }
}

/**
 * How the model fits a budget, and the options for which that holds. Rejects with {@link MemoryBudgetError} where it does not, or `GgufFileError`.
 */
export async function fitBudget(
  asked: EngineOptions,
  budgetOf: (gpu: LocalGpu | null) => Budget,
  predictor: MemoryPredictor,
): Promise<{ fit: Fit; file: ModelFile; options: EngineOptions }> {
  const file = await readGgufFile(asked.modelPath);
  const model = sizedModelOfGguf(file);
  const gpu = asked.gpu === 'off' ? null : await predictor.localGpu();
  checkGpu(asked.gpu ?? 'auto', gpu);
  const options = gpu === null ? settled(asked, model) : asked;
  const draft = options.draftPath && sizedModelOfGguf(await readGgufFile(options.draftPath));
  const fitter = openFitter(draft ? pairedPredictor(predictor, draft) : predictor);
  const budget = budgetOf(gpu);
  const fit = await fitter.fit(model, budgetDevice(budget.memoryBytes, gpu), requestOf(options));
  if (!isKept(fit, options)) throw await refusal({ options: asked, budget, fitter, model, fit });
  return { fit, file: await describeFile(file), options };
}

/** What the engine would choose by the context, which the budget may yet shorten: on the CPU `auto` is on. */
function settled(options: EngineOptions, { shape }: SizedModel): EngineOptions {
  const flashAttention = flashAttentionOnCpu(options, shape);
  return { ...options, flashAttention: flashAttention === 'auto' ? true : flashAttention };
}

/** Where it is to lie, so that it stays within the budget. */
export function placement({ device, placed }: Fit): Partial<EngineOptions> {
  if (device.backend === 'cpu') return { gpu: 'off' };
  return { gpu: device.backend, gpuLayers: placed.gpuLayers };
}

function checkGpu(wanted: string, gpu: LocalGpu | null): void {
  if (wanted === 'auto' || wanted === 'off' || wanted === gpu?.backend) return;
  throw new MemoryBudgetError(
    `--gpu ${wanted} has no budget here: llama.cpp finds ${gpu ? gpu.backend : 'no GPU'}; leave --gpu or --memory out`,
  );
}

function requestOf(options: EngineOptions): FitRequest {
  const { nCtx, kvType, parallel, gpuLayers, mmap, flashAttention, directIo } = options;
  return defined({
    nCtx,
    kvType,
    parallel,
    gpuLayers: gpuLayers === 'auto' ? undefined : gpuLayers,
    mmap: mmap && directIo !== true,
    flashAttention: flashAttention === 'auto' ? undefined : flashAttention,
  });
}

/** A shorter context than the one asked for would not be what was asked for. */
function isKept({ verdict }: Fit, { nCtx }: EngineOptions): boolean {
  if (verdict.kind === 'fits-up-to-context') return nCtx === undefined;
  return verdict.kind !== 'does-not-fit';
}

type Refused = {
  options: EngineOptions;
  budget: Budget;
  fitter: Fitter;
  model: SizedModel;
  fit: Fit;
};

async function refusal(refused: Refused): Promise<MemoryBudgetError> {
  const { options, budget, fitter, model, fit } = refused;
  const request = requestOf(options);
  const asked = { fitter, device: fit.device, request, fit, model };
  const { cheapestChange } = await advise({ ...asked, types: () => [] });
  const change = cheapestChange ? ` ${changeText(cheapestChange)}` : '';
  return new MemoryBudgetError(
    `${path.basename(options.modelPath)}${options.draftPath ? ' needs with its draft' : ' needs'} ${formatMemory(fit.neededBytes)} with ${fit.memory.nCtx} tokens of context, but ${budget.source} leaves ${formatMemory(fit.budgetBytes)} for a model.${change}`,
  );
}
