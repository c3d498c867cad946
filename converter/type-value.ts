// Whether a type is worth its loss on the widths of a model: where rows are no whole blocks, tensors take
// larger types, and a file of few bits is hardly smaller than one that keeps far more. SmolLM2 as Q2_K is
// 2 % smaller than as Q3_K_S, and eight times as perplexed.
import { nullOfRefusal } from '../devices/memory/memory-prediction.js';
import { openMemoryPredictor } from '../devices/memory/predictor.js';
import type { LlamaModel } from '../model/shape/llama-model.js';
import { fileTypesFor } from '../model/types/mixtures.js';
import { planQuantisation, type QuantisePlan } from '../model/types/quantise-plan.js';
import { sizedModelOfPlan } from '../model/types/sized-plan.js';
import { formatMemory, formatPercent } from '../terminal/units.js';

/** More than this is a saving. */
const WORTH = 0.05;

/** A sentence where a better type takes hardly more; none elsewhere. */
export async function valueWarnings(model: LlamaModel, plan: QuantisePlan): Promise<string[]> {
  const { fileType, larger, weightsBytes, tensors, hasImatrix } = plan;
  if (larger.length === 0) return [];
  const types = fileTypesFor({ hasImatrix });
  const better = types
    .slice(0, types.indexOf(fileType))
    .map((type) => planQuantisation(model, type, { hasImatrix }))
    .find((other) => other.weightsBytes <= (1 + WORTH) * weightsBytes);
  if (!better) return [];
  const more = better.weightsBytes / weightsBytes - 1;
  const bits = ((8 * weightsBytes) / model.nParams).toFixed(2);
  const cost = more > 0 ? `takes ${formatPercent(more)} more` : 'takes no more';
  return [
    `${fileType} saves little on these widths: ${larger.length} of ${tensors.length} tensors fall back to larger types (${fallbacksText(plan)}), ${bits} bits per weight in all; ${better.fileType} ${cost} of the disk, ${await memoryCost(model, plan, better)}and keeps more of the model`,
  ];
}

/** Of the CPU, where all of it is in one memory; a longer context would make the difference seem less. */
const N_CTX = 512;

/** What `better` takes in use, ending in a space; nothing where llama.cpp cannot plan it. */
async function memoryCost(
  model: LlamaModel,
  plan: QuantisePlan,
  better: QuantisePlan,
): Promise<string> {
  const predictor = openMemoryPredictor();
  try {
    const settings = { backend: 'cpu', nCtx: Math.min(N_CTX, model.nCtxTrain) } as const;
    const [own, others] = (await Promise.all(
      [plan, better].map(async (one) => {
        const { host } = await predictor.predict(sizedModelOfPlan(model, one), settings);
        return host.totalBytes;
      }),
    )) as [number, number];
    const more = others / own - 1;
    if (more <= 0)
      return `no more memory in use (${formatMemory(others)} beside ${formatMemory(own)}) `;
    return `${formatPercent(more)} more memory in use `;
  } catch (error) {
    nullOfRefusal(error);
    return '';
  } finally {
    await predictor.close();
  }
}

/** `Q3_K → IQ4_NL`, each pair once. */
export function fallbacksText({ larger }: QuantisePlan): string {
  return [...new Set(larger.map(({ wanted, type }) => `${wanted} → ${type}`))].join(', ');
}
