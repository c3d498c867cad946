// Lays out a GGUF: header bytes and where every tensor's data goes, which are known before a
// weight is converted. @huggingface/gguf serialises the pairs; it has no writer for tensor infos.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { type AnyGgmlType, ggmlTypeId } from '../../llama/ggml-types.js';
import { roundUp } from '../round-up.js';
import type { GgufEntry, GgufMetadata } from './gguf-metadata.js';
import { GGUFValueType, type MetadataValue, serializeGgufMetadata } from './huggingface-gguf.js';

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
  const headerBytes = roundUp(pairsBytes + infosBytes, ALIGNMENT_BYTES);
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
  const padding = Buffer.alloc(roundUp(bare.length, alignmentBytes) - bare.length);
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
    end = roundUp(end + sizeBytes, alignmentBytes);
    return offset;
  });
  return { relative, totalBytes: end };
}

/** Stored pairs come last, as they are. */
function serializePairs(metadata: GgufMetadata, nTensor: number): Buffer {
  const stored: Buffer[] = [];
  const typed: Record<string, Typed> = {};
  for (const [key, entry] of Object.entries(metadata)) {
    if (entry.type === 'STORED') stored.push(storedPair(key, entry.value));
    else typed[key] = toTyped(entry);
  }
  const pairs = Buffer.concat([serializeTyped(typed, nTensor), ...stored]);
  pairs.writeBigUInt64LE(BigInt(Object.keys(metadata).length), PAIR_COUNT_OFFSET);
  return pairs;
}

/** Behind magic, version and the count of tensors. */
const PAIR_COUNT_OFFSET = 16;

function storedPair(key: string, bytes: Uint8Array): Buffer {
  const keyBytes = Buffer.from(key);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(keyBytes.length));
  return Buffer.concat([length, keyBytes, bytes]);
}

function serializeTyped(typed: Record<string, Typed>, nTensor: number): Uint8Array {
  return serializeGgufMetadata(
    {
      version: { value: VERSION, type: GGUFValueType.UINT32 },
      tensor_count: { value: BigInt(nTensor), type: GGUFValueType.UINT64 },
      kv_count: { value: BigInt(Object.keys(typed).length), type: GGUFValueType.UINT64 },
      ...typed,
    } as Parameters<typeof serializeGgufMetadata>[0],
    // Tensor infos follow the pairs without a gap.
    { alignment: 1 },
  );
}

type Typed = { value: MetadataValue; type: GGUFValueType; subType?: GGUFValueType };

function toTyped(entry: Exclude<GgufEntry, { type: 'STORED' }>): Typed {
  const type = GGUFValueType[entry.type];
  if (entry.type === 'UINT64') return { value: BigInt(entry.value), type };
  if (entry.type !== 'ARRAY') return { value: entry.value, type };
  return { value: entry.value, type, subType: GGUFValueType[entry.of] };
}

/** Name, dimensions with the contiguous one first, type, offset. */
function tensorInfo({ name, type, shape }: ShapedTensor, offset: number): Buffer {
  const nameBytes = Buffer.from(name);
  const info = Buffer.alloc(infoBytes(name, shape.length));
  let end = info.writeBigUInt64LE(BigInt(nameBytes.length));
  end += nameBytes.copy(info, end);
  end = info.writeUInt32LE(shape.length, end);
  for (const size of shape) end = info.writeBigUInt64LE(BigInt(size), end);
  end = info.writeUInt32LE(ggmlTypeId(type), end);
  info.writeBigUInt64LE(BigInt(offset), end);
  return info;
}

function infoBytes(name: string, nDims: number): number {
  return 8 + Buffer.byteLength(name) + 4 + 8 * nDims + 4 + 8;
}
