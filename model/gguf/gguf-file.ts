// What a GGUF file says about itself: metadata and where each tensor lies, without its weights.
// @huggingface/gguf parses; it pads a short file with zeros, so every size is checked here again.
// Judges only whether the file is whole; whether llama.cpp can run it is for runtime/ to say.
import { type FileHandle, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { type AnyGgmlType, ggmlTypeById, rowSizeBytes } from '../../llama/ggml-types.js';
import { type GGUFParseOutput, gguf } from './huggingface-gguf.js';

export type GgufValue = string | number | bigint | boolean | GgufValue[];

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
  /** Integers are numbers unless they exceed 2^53, then bigint. */
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

/** What helps against a copy or a download that ended early. */
const ANEW = 'copy or make it again';

/** Reads the header of a GGUF (version 2 or 3, little-endian). Throws {@link GgufFileError}. */
export async function readGgufFile(filePath: string): Promise<GgufFile> {
  const sizeBytes = await checkStart(filePath);
  const parsed = await parse(filePath);
  if (parsed.tensorInfoByteRange[1] > sizeBytes)
    throw new GgufFileError(
      `${filePath} is cut off within its header, at ${sizeBytes} bytes; ${ANEW}`,
    );
  const dataOffset = Number(parsed.tensorDataOffset);
  return {
    path: filePath,
    version: parsed.metadata.version,
    metadata: readMetadata(parsed),
    tensors: readTensors(filePath, parsed, dataOffset, sizeBytes),
    dataOffset,
    sizeBytes,
  };
}

/** Magic, version and counts against the file's size, before the parser allocates by them. */
async function checkStart(filePath: string): Promise<number> {
  const file = await openFile(filePath);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new GgufFileError(`${filePath} is not a file`);
    const start = Buffer.alloc(START_BYTES);
    const { bytesRead } = await file.read(start, 0, START_BYTES, 0);
    checkCounts(filePath, start.subarray(0, bytesRead), stats.size);
    return stats.size;
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

function checkCounts(filePath: string, start: Buffer, sizeBytes: number): void {
  if (start.toString('latin1', 0, 4) !== 'GGUF')
    throw new GgufFileError(`${filePath} is not a GGUF file: it does not start with "GGUF"`);
  if (start.length < START_BYTES)
    throw new GgufFileError(
      `${filePath} is cut off within its header, at ${sizeBytes} bytes; ${ANEW}`,
    );
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

async function parse(filePath: string): Promise<GGUFParseOutput> {
  try {
    return await gguf(path.resolve(filePath), { allowLocalFile: true });
  } catch (cause) {
    throw new GgufFileError(`${filePath} has a broken header: ${(cause as Error).message}`, {
      cause,
    });
  }
}

const PARSER_KEYS = new Set(['version', 'tensor_count', 'kv_count']);

function readMetadata(parsed: GGUFParseOutput): Record<string, GgufValue> {
  const pairs = Object.entries(parsed.metadata as unknown as Record<string, GgufValue>);
  return Object.fromEntries(
    pairs.filter(([key]) => !PARSER_KEYS.has(key)).map(([key, value]) => [key, narrow(value)]),
  );
}

function narrow(value: GgufValue): GgufValue {
  if (Array.isArray(value)) return typeof value[0] === 'bigint' ? value.map(narrow) : value;
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function readTensors(
  filePath: string,
  parsed: GGUFParseOutput,
  dataOffset: number,
  fileBytes: number,
): GgufTensor[] {
  const seen = new Set<string>();
  return parsed.tensorInfos.map((info) => {
    const where = `${filePath}: tensor ${JSON.stringify(info.name)}`;
    if (seen.has(info.name)) throw new GgufFileError(`${where} is listed twice`);
    seen.add(info.name);
    const type = ggmlTypeById(info.dtype);
    if (!type) throw new GgufFileError(`${where} has the unknown type ${info.dtype}`);
    const shape = info.shape.map(Number);
    const sizeBytes = tensorBytes(where, type, shape);
    const offsetBytes = dataOffset + Number(info.offset);
    if (offsetBytes + sizeBytes > fileBytes)
      throw new GgufFileError(
        `${where} ends at byte ${offsetBytes + sizeBytes}, but the file ends at ${fileBytes}: it is cut off; ${ANEW}`,
      );
    return { name: info.name, type, shape, offsetBytes, sizeBytes };
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
