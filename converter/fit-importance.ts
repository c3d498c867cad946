// An importance matrix beside the model that is converted: which of its rows belongs to which tensor,
// whether it is of this model at all, and what llama.cpp would refuse to make without one.
// Weighs nothing; the quantiser does.
import type { Checkpoint } from '../model/checkpoint/checkpoint.js';
import {
  type ImportanceMatrix,
  ImportanceMatrixError,
} from '../model/imatrix/importance-matrix.js';
import { tensorNeedsImatrix } from '../model/types/mixtures.js';
import type { PlannedTensor, QuantisePlan } from '../model/types/quantise-plan.js';

export type FittedImportance = {
  /** A number for each column of the checkpoint's tensor, by the name that the file gives it. */
  columns: ReadonlyMap<string, Float32Array>;
  warnings: string[];
};

/** Throws {@link ImportanceMatrixError} for one of another model. */
export function fitImportance(
  matrix: ImportanceMatrix,
  plan: QuantisePlan,
  checkpoint: Checkpoint,
): FittedImportance {
  const { file = 'the importance matrix' } = matrix;
  const weights = plan.tensors.flatMap((tensor) => weightOf(tensor, checkpoint) ?? []);
  const columns = new Map<string, Float32Array>();
  const missing: string[] = [];
  for (const { tensor, nCols } of weights) {
    const values = matrix.columns.get(tensor.name);
    if (values) columns.set(tensor.name, fitColumns(values, nCols, tensor.name, file));
    else if (tensor.layer !== null) missing.push(tensor.name);
    if (!values && tensorNeedsImatrix(tensor.type, tensor.role))
      throw new ImportanceMatrixError(
        file,
        `knows nothing of ${tensor.name}, which cannot be ${tensor.type} without; give the one of this model, or convert with another --type`,
      );
  }
  if (columns.size === 0)
    throw new ImportanceMatrixError(
      file,
      `knows none of this model's weights, such as ${missing[0]}; give the one of this model`,
    );
  return { columns, warnings: describeMissing(missing, file) };
}

/** A matrix of the checkpoint; null for norms, biases and parts that pruning left empty. */
function weightOf(
  tensor: PlannedTensor,
  { tensors }: Checkpoint,
): { tensor: PlannedTensor; nCols: number } | null {
  if (tensor.nDims !== 2 || typeof tensor.source !== 'string') return null;
  const nCols = tensors.get(tensor.source)?.shape[1];
  return nCols === undefined ? null : { tensor, nCols };
}

/** A file with padded widths has zeros behind the model's own; what was computed with it has, too. */
const MOST_PADDING = 255;

function fitColumns(values: Float32Array, nCols: number, name: string, file: string): Float32Array {
  const padding = values.subarray(nCols);
  const isPadded = padding.length <= MOST_PADDING && padding.every((value) => value === 0);
  if (values.length >= nCols && isPadded) return values.subarray(0, nCols);
  throw new ImportanceMatrixError(
    file,
    `has ${values.length} columns for ${name}, which has ${nCols}; give the one of this model`,
  );
}

function describeMissing(missing: readonly string[], file: string): string[] {
  if (missing.length === 0) return [];
  return [
    `${file} knows nothing of ${missing.length} weights, such as ${missing[0]}: they are converted without`,
  ];
}
