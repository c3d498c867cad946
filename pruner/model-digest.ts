// By what a calibration knows its model again: tokenizer and widths, whatever type the weights have.
// A file of the same shape and tokenizer but other weights is not told from it.
import { createHash } from 'node:crypto';
import type { GgufFile } from '../model/gguf/gguf-file.js';
import { type ModelShape, shapeOfGguf } from '../model/shape/model-shape.js';

/** Throws `GgufFileError` for an architecture other than llama and deci. */
export function modelDigestOfGguf(file: GgufFile): string {
  const tokens = file.metadata['tokenizer.ggml.tokens'];
  return modelDigest({ ...shapeOfGguf(file), tokens: Array.isArray(tokens) ? tokens : [] });
}

type DigestedModel = Pick<
  ModelShape,
  'nEmbd' | 'headSize' | 'nHead' | 'nHeadKv' | 'nFf' | 'nVocab'
> & { tokens: readonly unknown[] };

/** SHA-256 in hexadecimal. */
function modelDigest(model: DigestedModel): string {
  const { nEmbd, headSize, nHead, nHeadKv, nFf, nVocab, tokens } = model;
  return createHash('sha256')
    .update(JSON.stringify({ nEmbd, headSize, nHead, nHeadKv, nFf, nVocab, tokens }))
    .digest('hex');
}
