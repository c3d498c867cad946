// What a GGUF file says about itself: metadata and where each tensor lies, without its weights.
// Every count, length and offset is checked against the file's size before anything is made of it; a byte order
// mark stays, as it is a token of Llama-2.
// Judges only whether the file is whole; whether llama.cpp can run it is for runtime/ to say.
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type AnyGgmlType, ggmlTypeById, rowSizeBytes } from '../../llama/ggml-types.js';
import type { GgufValue } from './gguf-value.js';
import { HeaderCursor, HeaderEndError, HeaderError } from './header-cursor.js';

export type GgufTensor = {
  name: string;
  type: AnyGgmlType;
  /** ne[0] first, as stored: a weight matrix is `[n_in, n_out]`. */
  shape: number[];
  /** From the start of the file. */
  offsetBytes: number;
  sizeBytes: number;
};

export type GgufFile = {
  path: string;
  version: number;
  metadata: Record<string, GgufValue>;
  tensors: GgufTensor[];
  /** Where tensor data starts. */
  dataOffset: number;
  sizeBytes: number;
};

/** Thrown for a file that is not a whole GGUF; the message names the file and what is wrong. */
export class GgufFileError extends Error {
  readonly code = 'HEARTH_GGUF';
}

/** Reads the header of a GGUF (version 2 or 3, little-endian). Throws {@link GgufFileError}. */
export async function readGgufFile(filePath: string): Promise<GgufFile> {
  const file = await openFile(filePath);
  try {
    const sizeBytes = await checkStart(filePath, file);
    const { tensorInfos, ...header } = await readHeader(filePath, file, sizeBytes);
    const tensors = readTensors(filePath, tensorInfos, header.dataOffset, sizeBytes);
    return { path: filePath, ...header, tensors, sizeBytes };
  } finally {
    await file.close();
  }
}

async function openFile(filePath: string): Promise<FileHandle> {
  try {
    return await open(filePath, 'r');
  } catch (cause) {
    throw new GgufFileError(`${filePath} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

const START_BYTES = 24;
const MIN_TENSOR_BYTES = 24;
const MIN_PAIR_BYTES = 13;

/** Magic, version and counts against the file's size, before anything is read by them; that size. */
async function checkStart(filePath: string, file: FileHandle): Promise<number> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new GgufFileError(`${filePath} is not a file`);
  checkCounts(filePath, await readStart(file, START_BYTES), stats.size);
  return stats.size;
}

function checkCounts(filePath: string, start: Buffer, sizeBytes: number): void {
  if (start.toString('latin1', 0, 4) !== 'GGUF')
    throw new GgufFileError(`${filePath} is not a GGUF file: it does not start with "GGUF"`);
  if (start.length < START_BYTES) throw cutOff(filePath, sizeBytes);
  const version = start.readUInt32LE(4);
  if (version !== 2 && version !== 3)
    throw new GgufFileError(`${filePath} is GGUF version ${version}; hearth reads 2 and 3`);
  const nTensor = start.readBigUInt64LE(8);
  const nPair = start.readBigUInt64LE(16);
  const room = BigInt(sizeBytes);
  if (nTensor * BigInt(MIN_TENSOR_BYTES) > room || nPair * BigInt(MIN_PAIR_BYTES) > room)
    throw new GgufFileError(
      `${filePath} claims ${nTensor} tensors and ${nPair} metadata entries, more than its ${sizeBytes} bytes can hold`,
    );
}

/** Holds most headers; those of the largest vocabularies take 20 MB. */
const FIRST_READ_BYTES = 1 << 20;
const MAX_HEADER_BYTES = 512 << 20;

/** Nothing tells how long a header is, so that more and more of the file is read until it is whole. */
async function readHeader(filePath: string, file: FileHandle, sizeBytes: number): Promise<Header> {
  const most = Math.min(sizeBytes, MAX_HEADER_BYTES);
  for (let length = FIRST_READ_BYTES; ; length *= 8) {
    try {
      return parseHeader(await readStart(file, Math.min(length, most)));
    } catch (cause) {
      if (!(cause instanceof HeaderError)) throw cause;
      const isCut = cause instanceof HeaderEndError;
      if (isCut && length < most) continue;
      if (isCut && most === sizeBytes) throw cutOff(filePath, sizeBytes);
      throw new GgufFileError(`${filePath} has a broken header: ${cause.message}`, { cause });
    }
  }
}

/** Fewer bytes where the file has no more. */
async function readStart(file: FileHandle, length: number): Promise<Buffer> {
  const start = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(start, 0, length, 0);
  return start.subarray(0, bytesRead);
}

function cutOff(filePath: string, sizeBytes: number): GgufFileError {
  return new GgufFileError(`${filePath} is cut off within its header, at ${sizeBytes} bytes`);
}

type TensorInfo = { name: string; shape: number[]; typeId: number; offset: number };
type Header = Pick<GgufFile, 'version' | 'metadata' | 'dataOffset'> & { tensorInfos: TensorInfo[] };

function parseHeader(bytes: Buffer): Header {
  const cursor = new HeaderCursor(bytes);
  cursor.skip(4);
  const [version, nTensor, nPair] = [cursor.u32(), cursor.size(), cursor.size()];
  const pairs: [key: string, GgufValue][] = [];
  for (let i = 0; i < nPair; i++) pairs.push([cursor.text(), cursor.value(cursor.u32())]);
  const tensorInfos: TensorInfo[] = [];
  for (let i = 0; i < nTensor; i++) tensorInfos.push(readTensorInfo(cursor));
  // A stranger's keys become properties of the object, never its prototype.
  const metadata: GgufFile['metadata'] = Object.fromEntries(pairs);
  const alignment = alignmentOf(metadata);
  const dataOffset = Math.ceil(cursor.offset / alignment) * alignment;
  return { version, metadata, dataOffset, tensorInfos };
}

/** More than llama.cpp has, so that the shape can be told. */
const MAX_DIMENSIONS = 8;

function readTensorInfo(cursor: HeaderCursor): TensorInfo {
  const [name, nDims] = [cursor.text(), cursor.u32()];
  if (nDims > MAX_DIMENSIONS)
    throw new HeaderError(`tensor ${JSON.stringify(name)} has ${nDims} dimensions`);
  const shape = Array.from({ length: nDims }, () => cursor.size());
  return { name, shape, typeId: cursor.u32(), offset: cursor.size() };
}

const DEFAULT_ALIGNMENT = 32;

function alignmentOf({ 'general.alignment': alignment = DEFAULT_ALIGNMENT }: GgufFile['metadata']) {
  if (Number.isSafeInteger(alignment) && Number.isInteger(Math.log2(Number(alignment))))
    return Number(alignment);
  throw new HeaderError(`general.alignment is ${String(alignment)}; expected a power of two`);
}

function readTensors(
  filePath: string,
  infos: readonly TensorInfo[],
  dataOffset: number,
  fileBytes: number,
): GgufTensor[] {
  const seen = new Set<string>();
  return infos.map(({ name, shape, typeId, offset }) => {
    const where = `${filePath}: tensor ${JSON.stringify(name)}`;
    if (seen.has(name)) throw new GgufFileError(`${where} is listed twice`);
    seen.add(name);
    const type = ggmlTypeById(typeId);
    if (!type) throw new GgufFileError(`${where} has the unknown type ${typeId}`);
    const sizeBytes = tensorBytes(where, type, shape);
    const offsetBytes = dataOffset + offset;
    if (offsetBytes + sizeBytes > fileBytes)
      throw new GgufFileError(
        `${where} ends at byte ${offsetBytes + sizeBytes}, but the file ends at ${fileBytes}: it is cut off`,
      );
    return { name, type, shape, offsetBytes, sizeBytes };
  });
}

function tensorBytes(where: string, type: AnyGgmlType, shape: number[]): number {
  const [width = 0, ...others] = shape;
  if (shape.length < 1 || shape.length > 4 || shape.some((size) => size < 1))
    throw new GgufFileError(
      `${where} has the shape [${shape}]; expected one to four positive sizes`,
    );
  try {
    return others.reduce((product, size) => product * size, rowSizeBytes(type, width));
  } catch (cause) {
    throw new GgufFileError(`${where}: ${(cause as Error).message}`, { cause });
  }
}

export async function isGguf(filePath: string): Promise<boolean> {
  const stats = await stat(filePath).catch(() => null);
  if (!stats?.isFile()) return false;
  const file = await open(filePath, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString('latin1') === 'GGUF';
  } finally {
    await file.close();
  }
}
