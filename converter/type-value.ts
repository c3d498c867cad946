// Whether a type is worth its loss on the widths of a model: where rows are no whole blocks, tensors take
// larger types, and a file of few bits is hardly smaller than one that keeps far more. SmolLM2 as Q2_K is
// 2 % smaller than as Q3_K_S, and eight times as perplexed.
import type { LlamaModel } from '../model/shape/llama-model.js';
import { fileTypesFor } from '../model/types/mixtures.js';
import { planQuantisation, type QuantisePlan } from '../model/types/quantise-plan.js';
import { formatPercent } from '../terminal/units.js';

/** More than this is a saving. */
const WORTH = 0.05;

/** A sentence where a better type takes hardly more; none elsewhere. */
export function valueWarnings(model: LlamaModel, plan: QuantisePlan): string[] {
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
    `${fileType} saves little on these widths: ${larger.length} of ${tensors.length} tensors fall back to larger types (${fallbacksText(plan)}), ${bits} bits per weight in all; ${better.fileType} ${cost} and keeps more of the model`,
  ];
}

/** `Q3_K → IQ4_NL`, each pair once. */
export function fallbacksText({ larger }: QuantisePlan): string {
  return [...new Set(larger.map(({ wanted, type }) => `${wanted} → ${type}`))].join(', ');
}
