// The number formats of llama.cpp's tensors that hearth writes, reads or keeps a KV cache in.
// A table, because every size, plan and check follows from block length and block bytes alone.
// Source: ggml/include/ggml.h (ids) and ggml/src/ggml-common.h (block layouts). Converts nothing.

type TypeTraits = { id: number; blockWeights: number; blockBytes: number };

/** `id` as stored in GGUF; a block holds `blockWeights` weights of a row in `blockBytes` bytes. */
export const GGML_TYPES = {
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
  IQ4_XS: { id: 23, blockWeights: 256, blockBytes: 136 },
  Q3_K: { id: 11, blockWeights: 256, blockBytes: 110 },
  IQ3_S: { id: 21, blockWeights: 256, blockBytes: 110 },
  IQ3_XXS: { id: 18, blockWeights: 256, blockBytes: 98 },
  Q2_K: { id: 10, blockWeights: 256, blockBytes: 84 },
  IQ2_S: { id: 22, blockWeights: 256, blockBytes: 82 },
  IQ2_XS: { id: 17, blockWeights: 256, blockBytes: 74 },
  IQ2_XXS: { id: 16, blockWeights: 256, blockBytes: 66 },
} as const satisfies Record<string, TypeTraits>;

export type GgmlType = keyof typeof GGML_TYPES;

/** Types that hearth meets in other people's files only: it sizes them and never writes them. */
export const FOREIGN_GGML_TYPES = {
  Q8_1: { id: 9, blockWeights: 32, blockBytes: 36 },
  Q8_K: { id: 15, blockWeights: 256, blockBytes: 292 },
  IQ1_S: { id: 19, blockWeights: 256, blockBytes: 50 },
  I8: { id: 24, blockWeights: 1, blockBytes: 1 },
  I16: { id: 25, blockWeights: 1, blockBytes: 2 },
  I32: { id: 26, blockWeights: 1, blockBytes: 4 },
  I64: { id: 27, blockWeights: 1, blockBytes: 8 },
  F64: { id: 28, blockWeights: 1, blockBytes: 8 },
  IQ1_M: { id: 29, blockWeights: 256, blockBytes: 56 },
  TQ1_0: { id: 34, blockWeights: 256, blockBytes: 54 },
  TQ2_0: { id: 35, blockWeights: 256, blockBytes: 66 },
  MXFP4: { id: 39, blockWeights: 32, blockBytes: 17 },
  NVFP4: { id: 40, blockWeights: 64, blockBytes: 36 },
  Q1_0: { id: 41, blockWeights: 128, blockBytes: 18 },
  Q2_0: { id: 42, blockWeights: 64, blockBytes: 18 },
} as const satisfies Record<string, TypeTraits>;

export type AnyGgmlType = GgmlType | keyof typeof FOREIGN_GGML_TYPES;

const ALL_TYPES: Readonly<Record<AnyGgmlType, TypeTraits>> = {
  ...GGML_TYPES,
  ...FOREIGN_GGML_TYPES,
};

const NAMES_BY_ID = new Map(
  Object.entries(ALL_TYPES).map(([name, traits]) => [traits.id, name as AnyGgmlType]),
);

/** As stored in GGUF. */
export function ggmlTypeId(type: AnyGgmlType): number {
  return ALL_TYPES[type].id;
}

/** Whether its rows are blocks with scales, not plain numbers. */
export function isQuantised(type: AnyGgmlType): boolean {
  return ALL_TYPES[type].blockWeights > 1;
}

/** The type with this id in a GGUF; undefined for an id that llama.cpp does not have. */
export function ggmlTypeById(id: number): AnyGgmlType | undefined {
  return NAMES_BY_ID.get(id);
}

/** Bytes of one row of `nPerRow` weights. Throws `RangeError` unless the row is whole blocks. */
export function rowSizeBytes(type: AnyGgmlType, nPerRow: number): number {
  const { blockWeights, blockBytes } = ALL_TYPES[type];
  if (nPerRow % blockWeights !== 0)
    throw new RangeError(`a row of ${nPerRow} is not whole ${type} blocks of ${blockWeights}`);
  return (nPerRow / blockWeights) * blockBytes;
}
