// As what the unpruned model is calibrated: the best type whose weights leave room in the memory budget.
import { CheckpointError } from '../model/checkpoint/checkpoint-error.js';
import type { LlamaModel } from '../model/shape/llama-model.js';
import type { FileType } from '../model/types/mixtures.js';
import { planQuantisation } from '../model/types/quantise-plan.js';
import { formatMemory } from '../terminal/units.js';

/** Statistics of a model in eight bits are those of the model; with fewer they drift. */
const TYPES: readonly FileType[] = ['F16', 'Q8_0', 'Q6_K', 'Q5_K_M', 'Q4_K_M'];

/** Node, llama.cpp's buffers, KV cache and what the Gram matrices of one layer take. */
const BESIDE_BYTES = 1.25 * 2 ** 30;

/** Throws {@link CheckpointError} where the model fits the budget in no type. */
export function denseTypeWithin(model: LlamaModel, budgetBytes: number, path: string): FileType {
  const sizes = TYPES.map((type) => ({ type, bytes: planQuantisation(model, type).weightsBytes }));
  const found = sizes.find(({ bytes }) => bytes + BESIDE_BYTES <= budgetBytes);
  if (found) return found.type;
  const least = sizes.at(-1)?.bytes ?? 0;
  throw new CheckpointError(
    path,
    `does not fit ${formatMemory(budgetBytes)} to be calibrated: as ${TYPES.at(-1)} it takes ${formatMemory(least)} and ${formatMemory(BESIDE_BYTES)} beside; free some memory, or raise --memory`,
  );
}
