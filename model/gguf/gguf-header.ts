// Lays out a GGUF: header bytes and where every tensor's data goes, which are known before a
// weight is converted.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { type AnyGgmlType, ggmlTypeId } from '../../llama/ggml-types.js';
import type { GgufEntry, GgufMetadata } from './gguf-metadata.js';
import { GGUF_VALUE_TYPES } from './gguf-value.js';

/** `general.alignment`'s default; every tensor starts at a multiple of it. */
const ALIGNMENT_BYTES = 32;
const VERSION = 3;

export type HeaderTensor = {
  name: string;
  type: AnyGgmlType;
  nRows: number;
  nCols: number;
  nDims: 1 | 2;
  sizeBytes: number;
};

/** As a file has it: ne[0] first. */
export type ShapedTensor = Pick<HeaderTensor, 'name' | 'type' | 'sizeBytes'> & { shape: number[] };

export type GgufLayout = {
  /** Everything before the data of the tensors, padding included. */
  header: Buffer;
  /** Of each tensor, in their order, from the start of the file. */
  offsetsBytes: number[];
  fileBytes: number;
};

/** The layout of a file with these pairs and tensors. */
export function layOutGguf(metadata: GgufMetadata, tensors: readonly HeaderTensor[]): GgufLayout {
  const shaped = tensors.map(({ name, type, sizeBytes, nRows, nCols, nDims }) => {
    return { name, type, sizeBytes, shape: nDims === 1 ? [nRows * nCols] : [nCols, nRows] };
  });
  return layOutShaped(metadata, shaped, ALIGNMENT_BYTES);
}

/** Bytes of such a file, to know them without its header. */
export function ggufSizes(
  metadata: GgufMetadata,
  tensors: readonly HeaderTensor[],
): { headerBytes: number; fileBytes: number } {
  const infosBytes = tensors.reduce((sum, { name, nDims }) => sum + infoBytes(name, nDims), 0);
  const pairsBytes = serializePairs(metadata, tensors.length).length;
  const headerBytes = align(pairsBytes + infosBytes, ALIGNMENT_BYTES);
  const { totalBytes } = placeTensors(tensors, ALIGNMENT_BYTES);
  return { headerBytes, fileBytes: headerBytes + totalBytes };
}

/** The same for tensors of any shape; other than 32, `alignmentBytes` must be in the pairs, too. */
export function layOutShaped(
  metadata: GgufMetadata,
  tensors: readonly ShapedTensor[],
  alignmentBytes: number,
): GgufLayout {
  const pairs = serializePairs(metadata, tensors.length);
  const { relative, totalBytes } = placeTensors(tensors, alignmentBytes);
  const infos = tensors.map((tensor, i) => tensorInfo(tensor, relative[i] as number));
  const bare = Buffer.concat([pairs, ...infos]);
  const padding = Buffer.alloc(align(bare.length, alignmentBytes) - bare.length);
  const header = Buffer.concat([bare, padding]);
  return {
    header,
    offsetsBytes: relative.map((offset) => header.length + offset),
    fileBytes: header.length + totalBytes,
  };
}

/** Offsets from the start of the data; llama.cpp pads the last tensor, too. */
function placeTensors(
  tensors: readonly { sizeBytes: number }[],
  alignmentBytes: number,
): { relative: number[]; totalBytes: number } {
  let end = 0;
  const relative = tensors.map(({ sizeBytes }) => {
    const offset = end;
    end = align(end + sizeBytes, alignmentBytes);
    return offset;
  });
  return { relative, totalBytes: end };
}

function serializePairs(metadata: GgufMetadata, nTensor: number): Buffer {
  const pairs = Object.entries(metadata);
  return Buffer.concat([
    ...[Buffer.from('GGUF'), u32(VERSION), u64(nTensor), u64(pairs.length)],
    ...pairs.flatMap(([key, entry]) => [texts([key]), ...typedValue(entry)]),
  ]);
}

function typedValue(entry: GgufEntry): Uint8Array[] {
  if (entry.type === 'STORED') return [entry.value];
  return [u32(GGUF_VALUE_TYPES[entry.type]), serializeValue(entry)];
}

function serializeValue(entry: Exclude<GgufEntry, { type: 'STORED' }>): Buffer {
  switch (entry.type) {
    case 'STRING':
      return texts([entry.value]);
    case 'UINT64':
      return u64(entry.value);
    case 'BOOL':
      return Buffer.of(Number(entry.value));
    case 'ARRAY': {
      const items = entry.of === 'STRING' ? texts(entry.value) : numbers(entry.of, entry.value);
      return Buffer.concat([u32(GGUF_VALUE_TYPES[entry.of]), u64(entry.value.length), items]);
    }
    default:
      return numbers(entry.type, [entry.value]);
  }
}

/** Numbers of four bytes, one behind the other. */
function numbers(type: 'UINT32' | 'INT32' | 'FLOAT32', values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) {
    if (type === 'UINT32') bytes.writeUInt32LE(value, 4 * i);
    else if (type === 'INT32') bytes.writeInt32LE(value, 4 * i);
    else bytes.writeFloatLE(value, 4 * i);
  }
  return bytes;
}

/** Each behind its length in bytes. */
function texts(values: readonly string[]): Buffer {
  const lengths = values.map((value) => Buffer.byteLength(value));
  const bytes = Buffer.alloc(lengths.reduce((sum, length) => sum + 8 + length, 0));
  let end = 0;
  for (const [i, value] of values.entries()) {
    end = bytes.writeBigUInt64LE(BigInt(lengths[i] as number), end);
    end += bytes.write(value, end);
  }
  return bytes;
}

function u32(value: number): Buffer {
  return numbers('UINT32', [value]);
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** Name, dimensions with the contiguous one first, type, offset. */
function tensorInfo({ name, type, shape }: ShapedTensor, offset: number): Buffer {
  const info = Buffer.alloc(infoBytes(name, shape.length));
  let end = texts([name]).copy(info);
  end = info.writeUInt32LE(shape.length, end);
  for (const size of shape) end = info.writeBigUInt64LE(BigInt(size), end);
  end = info.writeUInt32LE(ggmlTypeId(type), end);
  info.writeBigUInt64LE(BigInt(offset), end);
  return info;
}

function infoBytes(name: string, nDims: number): number {
  return 8 + Buffer.byteLength(name) + 4 + 8 * nDims + 4 + 8;
}

function align(sizeBytes: number, alignmentBytes: number): number {
  return Math.ceil(sizeBytes / alignmentBytes) * alignmentBytes;
}
