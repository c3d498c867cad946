// A GGUF's shape and tensors, as prediction reads them.
// The converter makes the same of a plan, so that a file need not exist to be predicted.
import type { GgufFile } from '../gguf-file.js';
import { shapeOfGguf } from '../model-shape.js';
import type { SizedModel } from './contract.js';

/** Throws `GgufFileError` for an architecture other than llama and deci. */
export function sizedModelOfGguf(file: GgufFile): SizedModel {
  const { tensors } = file;
  return { shape: shapeOfGguf(file), tensors };
}
