// The values of a GGUF's pairs: as they are once read, and the ids of the types that they are stored in.
// One table for what reads and what writes them.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

/** Integers are numbers unless they exceed 2^53, then bigint. */
export type GgufValue = string | number | bigint | boolean | GgufValue[];

export const GGUF_VALUE_TYPES = {
  UINT8: 0,
  INT8: 1,
  UINT16: 2,
  INT16: 3,
  UINT32: 4,
  INT32: 5,
  FLOAT32: 6,
  BOOL: 7,
  STRING: 8,
  ARRAY: 9,
  UINT64: 10,
  INT64: 11,
  FLOAT64: 12,
} as const;
