// The key-value pairs of a GGUF, each with the type under which it is stored.
// Plain data, so that the parts of the converter that know a subject can each return their pairs.
// Which keys a model needs is shape/'s and tokenizer/'s business.

export type GgufEntry =
  | { type: 'STRING'; value: string }
  | { type: 'UINT32' | 'INT32' | 'FLOAT32' | 'UINT64'; value: number }
  | { type: 'BOOL'; value: boolean }
  | { type: 'ARRAY'; of: 'STRING'; value: string[] }
  | { type: 'ARRAY'; of: 'INT32' | 'UINT32' | 'FLOAT32'; value: number[] }
  /** Type and value as another GGUF has them. */
  | { type: 'STORED'; value: Uint8Array };

/** By key, in the order in which they are written. */
export type GgufMetadata = Record<string, GgufEntry>;

export function stringEntry(value: string): GgufEntry {
  return { type: 'STRING', value };
}

export function uint32Entry(value: number): GgufEntry {
  return { type: 'UINT32', value };
}

export function float32Entry(value: number): GgufEntry {
  return { type: 'FLOAT32', value };
}
