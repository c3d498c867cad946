// The number formats of llama.cpp's tensors that hearth writes, reads or keeps a KV cache in.
// A table, because every size, plan and check follows from block length and block bytes alone.
// Source: ggml/include/ggml.h (ids) and ggml/src/ggml-common.h (block layouts). Converts nothing.

export type GgmlType =
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'Q8_0'
  | 'Q6_K'
  | 'Q5_K'
  | 'Q5_1'
  | 'Q5_0'
  | 'Q4_K'
  | 'Q4_1'
  | 'Q4_0'
  | 'IQ4_NL'
  | 'Q3_K'
  | 'Q2_K';

/** `id` as stored in GGUF; a block holds `blockWeights` weights of a row in `blockBytes` bytes. */
export const GGML_TYPES: Readonly<
  Record<GgmlType, { id: number; blockWeights: number; blockBytes: number }>
> = {
  F32: { id: 0, blockWeights: 1, blockBytes: 4 },
  F16: { id: 1, blockWeights: 1, blockBytes: 2 },
  BF16: { id: 30, blockWeights: 1, blockBytes: 2 },
  Q8_0: { id: 8, blockWeights: 32, blockBytes: 34 },
  Q6_K: { id: 14, blockWeights: 256, blockBytes: 210 },
  Q5_K: { id: 13, blockWeights: 256, blockBytes: 176 },
  Q5_1: { id: 7, blockWeights: 32, blockBytes: 24 },
  Q5_0: { id: 6, blockWeights: 32, blockBytes: 22 },
  Q4_K: { id: 12, blockWeights: 256, blockBytes: 144 },
  Q4_1: { id: 3, blockWeights: 32, blockBytes: 20 },
  Q4_0: { id: 2, blockWeights: 32, blockBytes: 18 },
  IQ4_NL: { id: 20, blockWeights: 32, blockBytes: 18 },
  Q3_K: { id: 11, blockWeights: 256, blockBytes: 110 },
  Q2_K: { id: 10, blockWeights: 256, blockBytes: 84 },
};

/** Bytes of one row of `nPerRow` weights. The row must be whole blocks. */
export function rowSizeBytes(type: GgmlType, nPerRow: number): number {
  const { blockWeights, blockBytes } = GGML_TYPES[type];
  if (nPerRow % blockWeights !== 0)
    throw new RangeError(`a row of ${nPerRow} is not whole ${type} blocks of ${blockWeights}`);
  return (nPerRow / blockWeights) * blockBytes;
}
