// Reads an importance matrix as llama-imatrix and hearth calibrate write it, a GGUF of sums and counts,
// with the arithmetic of llama-quantize. Of a calibration, which holds more, only these are read.
// Trusts no file: sizes are checked against it before anything is allocated.
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { type GgufFile, type GgufTensor, isGguf, readGgufFile } from '../gguf/gguf-file.js';
import {
  checkMeanSquares,
  type ImportanceMatrix,
  ImportanceMatrixError,
} from './importance-matrix.js';
import { readLegacyMatrix } from './legacy-matrix.js';

/** Throws {@link ImportanceMatrixError}, or `GgufFileError` for a GGUF that is not whole. */
export async function readImportanceMatrix(filePath: string): Promise<ImportanceMatrix> {
  const matrix = (await isGguf(filePath))
    ? await readGgufMatrix(await readGgufFile(filePath))
    : await readLegacyMatrix(filePath);
  return { ...matrix, file: path.resolve(filePath) };
}

async function readGgufMatrix(file: GgufFile): Promise<ImportanceMatrix> {
  const description = readDescription(file);
  const entries = pairTensors(file);
  const handle = await open(file.path, 'r');
  try {
    const columns = new Map<string, Float32Array>();
    for (const [name, entry] of entries)
      columns.set(name, await readEntry(file, handle, name, entry));
    return { columns, ...description };
  } finally {
    await handle.close();
  }
}

function readDescription({ path, metadata }: GgufFile) {
  const datasets = metadata['imatrix.datasets'];
  const [chunkCount, chunkSize] = [metadata['imatrix.chunk_count'], metadata['imatrix.chunk_size']];
  if (!Array.isArray(datasets) || !isCount(chunkCount) || !isCount(chunkSize))
    throw new ImportanceMatrixError(
      path,
      'is a GGUF, but no importance matrix: it does not say imatrix.datasets, imatrix.chunk_count and imatrix.chunk_size; hearth calibrate and llama-imatrix make one',
    );
  return { datasets: datasets.map(String), chunkCount, chunkSize };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

type Entry = { sums: GgufTensor; counts: GgufTensor };

/** Sums and counts by the weight's name, in the order of the file. */
function pairTensors({ path, tensors, sizeBytes }: GgufFile): Map<string, Entry> {
  const found = new Map<string, Partial<Entry>>();
  for (const tensor of tensors) {
    const [, name, kind] = /^(.+)\.(in_sum2|counts)$/s.exec(tensor.name) ?? [];
    if (name === undefined) continue;
    found.set(name, {
      ...found.get(name),
      [kind === 'counts' ? 'counts' : 'sums']: checkType(path, tensor),
    });
  }
  const entries = new Map<string, Entry>();
  let totalBytes = 0;
  for (const [name, { sums, counts }] of found) {
    if (!sums || !counts)
      throw new ImportanceMatrixError(
        path,
        `has ${JSON.stringify(name)} without its ${sums ? 'counts' : 'in_sum2'}; make it again`,
      );
    totalBytes += sums.sizeBytes + counts.sizeBytes;
    entries.set(name, { sums, counts });
  }
  if (entries.size === 0) throw new ImportanceMatrixError(path, 'holds no sums; make it again');
  if (totalBytes > sizeBytes)
    throw new ImportanceMatrixError(
      path,
      `has tensors of ${totalBytes} bytes in ${sizeBytes}: they lie over each other`,
    );
  return entries;
}

function checkType(path: string, tensor: GgufTensor): GgufTensor {
  if (tensor.type !== 'F32')
    throw new ImportanceMatrixError(
      path,
      `${JSON.stringify(tensor.name)} is ${tensor.type}; expected F32`,
    );
  return tensor;
}

/** Mean squares; of an expert that no token reached, ones, as llama-quantize has it. */
async function readEntry(
  { path }: GgufFile,
  handle: FileHandle,
  name: string,
  entry: Entry,
): Promise<Float32Array> {
  const where = JSON.stringify(name);
  const [sums, counts] = [
    await readFloats(handle, entry.sums),
    await readFloats(handle, entry.counts),
  ];
  const nCols = sums.length / counts.length;
  if (!Number.isInteger(nCols))
    throw new ImportanceMatrixError(
      path,
      `${where} has ${counts.length} counts for ${sums.length} sums, which they do not divide`,
    );
  const bad = counts.find((count) => !(count >= 0 && count < 2 ** 53));
  if (bad !== undefined)
    throw new ImportanceMatrixError(path, `${where} has the count ${bad}; the file is damaged`);
  const means = sums.map((sum, i) => {
    const count = Math.round(counts[Math.floor(i / nCols)] as number);
    return count > 0 ? sum / count : 1;
  });
  checkMeanSquares(means, where, path);
  return means;
}

async function readFloats(handle: FileHandle, tensor: GgufTensor): Promise<Float32Array> {
  const bytes = new Uint8Array(tensor.sizeBytes);
  for (let done = 0; done < bytes.length; ) {
    const position = tensor.offsetBytes + done;
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position);
    if (bytesRead === 0) throw new Error(`${tensor.name} ends early; the file changed meanwhile`);
    done += bytesRead;
  }
  return new Float32Array(bytes.buffer);
}
