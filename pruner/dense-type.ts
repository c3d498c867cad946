// As what the unpruned model is calibrated: the best type whose weights leave room in the memory budget, for
// Gram matrices, too, so that the text need not be computed too often. Loads nothing.

import { ggmlTypeId } from '../llama/ggml-types.js';
import { gramBytes } from '../llama/gram-matrix.js';
import { CheckpointError } from '../model/checkpoint/checkpoint-error.js';
import type { LlamaModel } from '../model/shape/llama-model.js';
import type { FileType } from '../model/types/mixtures.js';
import { planQuantisation } from '../model/types/quantise-plan.js';
import { formatMemory } from '../terminal/units.js';
import { besideBytes } from './calibrate/memory-budget.js';
import { planPasses } from './calibrate/passes.js';
import { CHUNK_SIZE } from './calibrated-model.js';
import type { Part } from './dense-model.js';
import type { RepairMode } from './repair/repair-linear.js';

/** As large as F16, and holds what F32 does. */
const WIDE: FileType = 'BF16';

/** Statistics of a model in eight bits are those of the model; with fewer they drift. */
const TYPES: readonly FileType[] = ['F16', 'Q8_0', 'Q6_K', 'Q5_K_M', 'Q4_K_M'];

/** Each pass computes the text anew, half of the model on average; fewer bits are better than more passes. */
const MOST_PASSES = 8;

export type DenseTypeOptions = {
  budgetBytes: number;
  parts: readonly Part[];
  repair: RepairMode;
  /** Of the file to come; who asks for a wide one has weights that half precision does not hold. */
  outputType: FileType | undefined;
  path: string;
};

/** Throws {@link CheckpointError} where the model fits the budget in no type. */
export function denseTypeWithin(model: LlamaModel, options: DenseTypeOptions): FileType {
  const { budgetBytes, parts, repair, outputType, path } = options;
  const grams = repair === 'least-squares' ? parts.map(asCut) : [];
  const needed = bytesBeside(model) + Math.max(0, ...grams.map(({ nCols }) => gramBytes(nCols)));
  const sizes = TYPES.map((type) => ({ type, bytes: planQuantisation(model, type).weightsBytes }));
  const fitting = sizes.filter(({ bytes }) => bytes + needed <= budgetBytes);
  const passes = (weightBytes: number) =>
    planPasses(grams, budgetBytes - weightBytes - bytesBeside(model)).length;
  const found = fitting.find(({ bytes }) => passes(bytes) <= MOST_PASSES) ?? fitting[0];
  const isWide = outputType === WIDE || outputType === 'F32';
  if (found) return found.type === 'F16' && isWide ? WIDE : found.type;
  const least = sizes.at(-1)?.bytes ?? 0;
  const advice = grams.length > 0 ? ', or take --repair bias, which needs less' : '';
  throw new CheckpointError(
    path,
    `does not fit ${formatMemory(budgetBytes)} to be calibrated: as ${TYPES.at(-1)} it takes ${formatMemory(least)} and ${formatMemory(needed)} beside; free some memory, or raise --memory${advice}`,
  );
}

function bytesBeside({ layers, headSize, nVocab }: LlamaModel): number {
  const shape = { headSize, nVocab, nHeadKv: layers.map(({ nHeadKv }) => nHeadKv) };
  const beside = besideBytes(shape, { chunkSize: CHUNK_SIZE, kvTypeId: ggmlTypeId('F16') });
  return beside.cache + beside.process;
}

function asCut({ ggufName, nGroups, groupSize }: Part) {
  return { name: ggufName, nCols: nGroups * groupSize, hasGram: true, hasRows: true };
}
