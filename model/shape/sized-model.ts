// A model as prediction reads it: its shape and its tensors, here of a GGUF.
// types/sized-plan.ts makes the same of a plan, so that a file need not exist to be predicted.
import type { AnyGgmlType } from '../../llama/ggml-types.js';
import type { GgufFile } from '../gguf/gguf-file.js';
import { type ModelShape, shapeOfGguf } from './model-shape.js';

/** Throws `GgufFileError` for an architecture other than llama and deci. */
export function sizedModelOfGguf(file: GgufFile): SizedModel {
  const { tensors } = file;
  return { shape: shapeOfGguf(file), tensors };
}

/** A weight as the file stores it; a GGUF's tensor is one. */
export type WeightTensor = {
  /** As llama.cpp spells it: `blk.0.ffn_down.weight`. */
  name: string;
  type: AnyGgmlType;
  /** ne[0] first. */
  shape: readonly number[];
  sizeBytes: number;
};

/** Everything that memory and speed depend on: an open GGUF, or the plan of one not yet written. */
export type SizedModel = {
  shape: ModelShape;
  /** In file order. */
  tensors: readonly WeightTensor[];
};
