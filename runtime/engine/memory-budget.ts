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
import { pairedPredictor } from '../../devices/memory/paired-predictor.js';
import { openMemoryPredictor } from '../../devices/memory/predictor.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { type SizedModel, sizedModelOfGguf } from '../../model/shape/sized-model.js';
import { formatMemory } from '../../terminal/units.js';
import { defined } from '../defined.js';
import type { EngineOptions } from './engine.js';

/** Thrown for a model that cannot stay within its budget; the message says what would. */
export class MemoryBudgetError extends Error {
  override readonly name = 'MemoryBudgetError';
  readonly code = 'HEARTH_MEMORY_BUDGET';
}

export type Budgeted = { options: EngineOptions; fit: Fit };

/**
 * The options with which the model stays below `memoryBytes`; what the user chose stays as chosen.
 * Rejects with {@link MemoryBudgetError} where that cannot be, or `GgufFileError`.
 */
export async function withinMemory(options: EngineOptions, memoryBytes: number): Promise<Budgeted> {
  const model = sizedModelOfGguf(await readGgufFile(options.modelPath));
  const predictor = openMemoryPredictor();
  const draft = options.draftPath && sizedModelOfGguf(await readGgufFile(options.draftPath));
  const fitter = openFitter(draft ? pairedPredictor(predictor, draft) : predictor);
  try {
    const gpu = options.gpu === 'off' ? null : await predictor.localGpu();
    const wanted = options.gpu ?? 'auto';
    checkGpu(wanted, gpu);
    const fit = await fitter.fit(model, budgetDevice(memoryBytes, gpu), requestOf(options));
    if (!isKept(fit, options)) throw await refusal({ options, memoryBytes, fitter, model, fit });
    return { options: { ...options, ...chosen(fit, options) }, fit };
  } finally {
    await predictor.close();
  }
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

function chosen(fit: Fit, { nCtx }: EngineOptions): Partial<EngineOptions> {
  const { device, verdict, placed, maxCtx } = fit;
  const isWhole = verdict.kind !== 'fits-with-cpu-layers';
  return {
    nCtx: nCtx ?? (isWhole ? maxCtx : placed.nCtx),
    gpu: device.backend === 'cpu' ? 'off' : device.backend,
    ...(device.backend !== 'cpu' && { gpuLayers: placed.gpuLayers }),
  };
}

type Refused = {
  options: EngineOptions;
  memoryBytes: number;
  fitter: Fitter;
  model: SizedModel;
  fit: Fit;
};

async function refusal(refused: Refused): Promise<MemoryBudgetError> {
  const { options, memoryBytes, fitter, model, fit } = refused;
  const request = requestOf(options);
  const asked = { fitter, device: fit.device, request, fit, model };
  const { cheapestChange } = await advise({ ...asked, types: () => [] });
  const change = cheapestChange ? ` ${changeText(cheapestChange)}` : '';
  return new MemoryBudgetError(
    `${path.basename(options.modelPath)}${options.draftPath ? ' needs with its draft' : ' needs'} ${formatMemory(fit.neededBytes)} with ${fit.memory.nCtx} tokens of context, but --memory ${formatMemory(memoryBytes)} leaves ${formatMemory(fit.budgetBytes)} for a model.${change}`,
  );
}
