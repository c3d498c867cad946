// Writes small GGUF files by hand, right or wrong, for tests of what reads them.
// Shares nothing with the converter, so that its writer and our reader cannot agree on a mistake.
// Scalars are UINT32, FLOAT32, BOOL or STRING; arrays of numbers INT32; no other types.
export type TinyTensor = { name: string; type: number; shape: number[]; offset: number };
export type TinyValue = number | boolean | string | number[] | string[];
export type TinyGguf = {
  metadata?: Record<string, TinyValue>;
  tensors?: TinyTensor[];
  /** Bytes of zeros after the header. */
  dataBytes?: number;
  version?: number;
  nTensor?: number;
  nPair?: number;
};

/** The bytes of a GGUF whose tensor data are zeros; counts may be told to lie. */
export function tinyGguf(file: TinyGguf): Buffer {
  const pairs = Object.entries(file.metadata ?? {});
  const tensors = file.tensors ?? [];
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(file.version ?? 3),
    u64(file.nTensor ?? tensors.length),
    u64(file.nPair ?? pairs.length),
    ...pairs.flatMap(([key, value]) => [text(key), typed(value)]),
    ...tensors.map(tensorInfo),
  ]);
  const padding = Buffer.alloc((32 - (header.length % 32)) % 32);
  return Buffer.concat([header, padding, Buffer.alloc(file.dataBytes ?? 0)]);
}

function tensorInfo(tensor: TinyTensor): Buffer {
  return Buffer.concat([
    text(tensor.name),
    u32(tensor.shape.length),
    ...tensor.shape.map(u64),
    u32(tensor.type),
    u64(tensor.offset),
  ]);
}

function typed(value: TinyValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([u32(8), text(value)]);
  if (typeof value === 'boolean') return Buffer.concat([u32(7), Buffer.from([Number(value)])]);
  if (typeof value === 'number')
    return Number.isInteger(value)
      ? Buffer.concat([u32(4), u32(value)])
      : Buffer.concat([u32(6), f32(value)]);
  const isText = typeof value[0] === 'string';
  return Buffer.concat([
    u32(9),
    u32(isText ? 8 : 5),
    u64(value.length),
    ...value.map((item) => (typeof item === 'string' ? text(item) : u32(item))),
  ]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}
