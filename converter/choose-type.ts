// Which type a file takes: the one asked for, the best below a size, or the best that fits a device.
// Fitting counts what runs beside the weights, too: KV cache, buffers, what the system keeps.
// Reads no weights.
import type { Device } from '../devices/catalogue/device.js';
import type { Fit } from '../devices/fit/fit.js';
import { openFitter } from '../devices/fit/fitter.js';
import { CheckpointError } from '../model/checkpoint/checkpoint-error.js';
import type { LlamaModel } from '../model/shape/llama-model.js';
import { type FileType, fileTypesFor, needsImatrix } from '../model/types/mixtures.js';
import { planQuantisation, planWithin, type QuantisePlan } from '../model/types/quantise-plan.js';
import { sizedModelOfPlan } from '../model/types/sized-plan.js';
import { formatDisk, formatMemory } from '../terminal/units.js';

export type DeviceRequest = {
  device: Device;
  /** Tokens of context that must fit; default the model's own, at most 4096. */
  nCtx?: number | undefined;
};

export type TypeRequest = {
  /** Of the checkpoint, for messages. */
  checkpoint: string;
  /** Whether there is an importance matrix, without which some types are not taken. */
  hasImatrix?: boolean | undefined;
  /** Mixture of types; default Q4_K_M. */
  type?: FileType | undefined;
  /** Take the best type whose file is at most this large, instead of `type`. */
  maxSizeBytes?: number | undefined;
  /** Take the best type that fits this device, instead of `type`. */
  forDevice?: DeviceRequest | undefined;
};

export type TypeChoice = {
  plan: QuantisePlan;
  /** How it fits the device that it was chosen for. */
  fit: Fit | null;
  /** Why this type, as a sentence; null where it was asked for by name. */
  reason: string | null;
};

/** Throws {@link CheckpointError} with advice where no type is small enough. */
export async function chooseType(
  model: LlamaModel,
  request: TypeRequest,
  fileBytes: (plan: QuantisePlan) => number,
): Promise<TypeChoice> {
  const { type = 'Q4_K_M', maxSizeBytes, forDevice, checkpoint, hasImatrix = false } = request;
  if (forDevice) return await chooseForDevice(model, { ...forDevice, checkpoint, hasImatrix });
  if (maxSizeBytes !== undefined) {
    const plan = planWithin(model, maxSizeBytes, fileBytes, { hasImatrix });
    if (plan) return { plan, fit: null, reason: null };
    const smallest = fileTypesFor({ hasImatrix }).at(-1) as FileType;
    const smallestBytes = fileBytes(planQuantisation(model, smallest, { hasImatrix }));
    throw new CheckpointError(
      checkpoint,
      `fits no type within ${formatDisk(maxSizeBytes)}: ${smallest}, the smallest, takes ${formatDisk(smallestBytes)}; prune more or allow a larger file`,
    );
  }
  if (needsImatrix(type) && !hasImatrix)
    throw new CheckpointError(
      checkpoint,
      `cannot become ${type} without an importance matrix, as so few bits must go to the columns that count; give one with --imatrix (hearth calibrate and llama-imatrix make it), or take a type that needs none, of which Q2_K is the smallest`,
    );
  return { plan: planQuantisation(model, type, { hasImatrix }), fit: null, reason: null };
}

type Tried = { plan: QuantisePlan; fit: Fit };

async function chooseForDevice(
  model: LlamaModel,
  {
    device,
    nCtx,
    checkpoint,
    hasImatrix,
  }: DeviceRequest & { checkpoint: string; hasImatrix: boolean },
): Promise<TypeChoice> {
  const fitter = openFitter();
  const tried: Tried[] = [];
  try {
    for (const fileType of fileTypesFor({ hasImatrix })) {
      // No checkpoint of LLM-Pruner has more than half precision.
      if (fileType === 'F32') continue;
      const plan = planQuantisation(model, fileType, { hasImatrix });
      const request = nCtx === undefined ? {} : { nCtx };
      const fit = await fitter.fit(sizedModelOfPlan(model, plan), device, request);
      if (fit.verdict.kind === 'fits')
        return { plan, fit, reason: reasonFor({ plan, fit }, tried.at(-1)) };
      tried.push({ plan, fit });
    }
  } finally {
    await fitter.close();
  }
  throw new CheckpointError(checkpoint, adviceFor(tried));
}

function reasonFor({ plan, fit }: Tried, larger: Tried | undefined): string {
  const { device, neededBytes, budgetBytes, memory } = fit;
  const room = `${formatMemory(neededBytes)} of the ${formatMemory(budgetBytes)} that ${device.id} has for a model`;
  const best = `${plan.fileType} is the best type that fits: ${room}, at ${memory.nCtx} tokens of context`;
  if (!larger) return best;
  return `${best}; ${larger.plan.fileType} would need ${formatMemory(larger.fit.neededBytes)}`;
}

function adviceFor(tried: readonly Tried[]): string {
  const smallest = tried.reduce((a, b) => (b.fit.neededBytes < a.fit.neededBytes ? b : a));
  const { device, memory, neededBytes, budgetBytes, maxCtx } = smallest.fit;
  const context = maxCtx > 0 ? `take --ctx ${maxCtx}, or ` : '';
  return `fits ${device.id} in no type at ${memory.nCtx} tokens of context: ${smallest.plan.fileType}, the smallest, needs ${formatMemory(neededBytes)} of ${formatMemory(budgetBytes)}; ${context}prune more (hearth plan says how much) or take a larger device`;
}
