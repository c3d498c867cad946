// What a tensor becomes when its rows are not whole blocks of the type that it should have.
// llama.cpp takes a bigger type there (Q4_K → Q5_0); hearth takes one of the same bits in blocks of
// 32 where there is one, and pads where that is smaller. The table is all there is to know.
import {
  type AnyGgmlType,
  GGML_TYPES,
  type GgmlType,
  rowSizeBytes,
} from '../../llama/ggml-types.js';
import type { TensorRole } from '../shape/tensor-list.js';

/** In blocks of 32: hearth's choice, and the one of tensor_type_fallback in llama-quant.cpp. */
const NARROW: Partial<Record<GgmlType, { ours: GgmlType; stock: GgmlType }>> = {
  Q6_K: { ours: 'Q8_0', stock: 'Q8_0' },
  Q5_K: { ours: 'Q5_0', stock: 'Q5_1' },
  Q4_K: { ours: 'IQ4_NL', stock: 'Q5_0' },
  Q3_K: { ours: 'IQ4_NL', stock: 'Q4_0' },
  Q2_K: { ours: 'IQ4_NL', stock: 'Q4_0' },
  IQ4_XS: { ours: 'IQ4_NL', stock: 'IQ4_NL' },
  IQ3_S: { ours: 'IQ4_NL', stock: 'IQ4_NL' },
  IQ3_XXS: { ours: 'IQ4_NL', stock: 'IQ4_NL' },
  IQ2_S: { ours: 'IQ4_NL', stock: 'IQ4_NL' },
  IQ2_XS: { ours: 'IQ4_NL', stock: 'IQ4_NL' },
  IQ2_XXS: { ours: 'IQ4_NL', stock: 'IQ4_NL' },
};

/** `wanted`, or the nearest type whose blocks divide a row of `nPerRow` weights. */
export function fittingType(wanted: GgmlType, nPerRow: number): GgmlType {
  return firstWhole([wanted, NARROW[wanted]?.ours], nPerRow);
}

/** What llama.cpp's quantiser would take, to compare with. It has a rule of its own for the output. */
export function stockType(wanted: GgmlType, nPerRow: number, role?: TensorRole): GgmlType {
  const narrow = role === 'output' ? 'Q8_0' : NARROW[wanted]?.stock;
  return firstWhole([wanted, narrow], nPerRow);
}

/** Weights in a block of `type`. */
export function blockWeights(type: GgmlType): number {
  return GGML_TYPES[type].blockWeights;
}

/** Whether `type` takes more bits a weight than `wanted`. */
export function isLarger(type: GgmlType, wanted: GgmlType): boolean {
  return bitsPerWeight(type) > bitsPerWeight(wanted);
}

/** Bytes of `nRows` rows. */
export function matrixBytes(type: AnyGgmlType, nPerRow: number, nRows: number): number {
  return rowSizeBytes(type, nPerRow) * nRows;
}

function bitsPerWeight(type: GgmlType): number {
  const { blockBytes, blockWeights } = GGML_TYPES[type];
  return (8 * blockBytes) / blockWeights;
}

function firstWhole(types: (GgmlType | undefined)[], nPerRow: number): GgmlType {
  return types.find((type) => type && nPerRow % blockWeights(type) === 0) ?? 'F16';
}
