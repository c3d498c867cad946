// The plan of a file: every tensor's type, shape, padding and bytes, before a weight is read.
// The writer follows it to the byte, so what --dry-run prints is what is written.
// Reads no files.
import type { GgmlType } from '../../llama/ggml-types.js';
import type { LlamaModel } from '../shape/llama-model.js';
import {
  listTensors,
  type ModelTensor,
  type StoredWidths,
  type TensorRole,
} from '../shape/tensor-list.js';
import { type FileType, fileTypesFor, mixtureType, needsImatrix } from './mixtures.js';
import { fittingType, isLarger, matrixBytes, stockType } from './narrow-types.js';
import { chooseWidths, type MixtureChoice } from './widths.js';

export type PlannedTensor = ModelTensor & {
  type: GgmlType;
  /** What the mixture asks for; differs from `type` where a row is not whole blocks of it. */
  wanted: GgmlType;
  sizeBytes: number;
};

export type QuantisePlan = {
  fileType: FileType;
  /** Whether an importance matrix is there, by which some mixtures choose other types. */
  hasImatrix: boolean;
  widths: StoredWidths;
  tensors: PlannedTensor[];
  /** All tensors, without the header and alignment. */
  weightsBytes: number;
  /** The same model as llama.cpp's quantiser would have it: no padding, its own fallbacks. */
  stockBytes: number;
  /** Zeros added, in weights. */
  paddedWeights: number;
  /** Tensors that take more bits than the mixture asks for, which no padding could avoid. */
  larger: PlannedTensor[];
};

export type PlanOptions = {
  /** An importance matrix will be there; always so for a type that cannot be made without. */
  hasImatrix?: boolean | undefined;
};

/** How `model` is stored as `fileType`. */
export function planQuantisation(
  model: LlamaModel,
  fileType: FileType,
  options: PlanOptions = {},
): QuantisePlan {
  const mixture = { fileType, hasImatrix: options.hasImatrix || needsImatrix(fileType) };
  const widths = chooseWidths(model, mixture);
  const tensors = assignTypes(model, widths, mixture, fittingType);
  const unpadded = { nEmbd: model.nEmbd, layers: model.layers };
  const nWeights = tensors.reduce((sum, { nRows, nCols }) => sum + nRows * nCols, 0);
  return {
    ...mixture,
    widths,
    tensors,
    weightsBytes: sumBytes(tensors),
    // As many steps as all the rest, and those who search through plans do not ask for it.
    get stockBytes() {
      return sumBytes(assignTypes(model, unpadded, mixture, stockType));
    },
    paddedWeights: Math.max(0, nWeights - model.nParams),
    larger: tensors.filter(({ type, wanted }) => isLarger(type, wanted)),
  };
}

/**
 * The plan of best quality whose file has at most `maxBytes`; null where none is that small. Types that
 * need an importance matrix are taken only where there is one.
 */
export function planWithin(
  model: LlamaModel,
  maxBytes: number,
  fileBytes: (plan: QuantisePlan) => number,
  { hasImatrix = false }: PlanOptions = {},
): QuantisePlan | null {
  for (const fileType of fileTypesFor({ hasImatrix })) {
    const plan = planQuantisation(model, fileType, { hasImatrix });
    if (fileBytes(plan) <= maxBytes) return plan;
  }
  return null;
}

function assignTypes(
  model: LlamaModel,
  widths: StoredWidths,
  { fileType, hasImatrix }: MixtureChoice,
  fit: (wanted: GgmlType, nPerRow: number, role: TensorRole) => GgmlType,
): PlannedTensor[] {
  const tensors = listTensors(model, widths);
  const counts = new Map<string, number>();
  for (const { role } of tensors) counts.set(role, (counts.get(role) ?? 0) + 1);
  const seen = new Map<string, number>();
  return tensors.map((tensor) => {
    const i = seen.get(tensor.role) ?? 0;
    seen.set(tensor.role, i + 1);
    const place = { i, n: counts.get(tensor.role) as number, hasImatrix };
    const wanted = mixtureType(fileType, tensor.role, place, widths.layers);
    const type = fit(wanted, tensor.nCols, tensor.role);
    return { ...tensor, wanted, type, sizeBytes: matrixBytes(type, tensor.nCols, tensor.nRows) };
  });
}

function sumBytes(tensors: PlannedTensor[]): number {
  return tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
