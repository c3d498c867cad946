// A calibration as hearth reads it: an importance matrix and, for the weights that pruning cuts, what their
// inputs were like. Gram matrices and rows are read when they are asked for, as they are large.
// The file may be a stranger's: every tensor's shape is checked before it is read. Writes nothing.
import { type FileHandle, open } from 'node:fs/promises';
import { type GgufFile, type GgufTensor, readGgufFile } from '../model/gguf/gguf-file.js';
import type { ImportanceMatrix } from '../model/imatrix/importance-matrix.js';
import { readImportanceMatrix } from '../model/imatrix/read-importance-matrix.js';
import { CalibrationError } from './calibration-error.js';
import {
  CALIBRATION_KEYS,
  CALIBRATION_VERSION,
  type CutWeight,
  cutWeightName,
  gramTensorName,
  meanTensorName,
  rowsTensorName,
} from './calibration-tensors.js';

/** Of the input of one weight, over the tokens that are not held out. */
export type InputStatistics = {
  /** Columns. */
  n: number;
  nTokens: number;
  /** `[n]` */
  sum: Float32Array;
  hasGram: boolean;
  /** Sum of x xᵀ, `[n, n]`. Throws {@link CalibrationError} where the file has none. */
  readGram(): Promise<Float32Array>;
  /** How many tokens were held out and have their rows here. */
  nRows: number;
  /** Their inputs, `[nRows, n]`. */
  readRows(): Promise<Float32Array>;
};

export type LayerStatistics = {
  /** Null where the layer has no such weight. */
  attnOutput: InputStatistics | null;
  ffnDown: InputStatistics | null;
};

export type Calibration = {
  /** Of the whole text, those that are held out included. */
  nTokens: number;
  chunkSize: number;
  textSha256: string;
  modelDigest: string;
  importance: ImportanceMatrix;
  layers: LayerStatistics[];
  close(): Promise<void>;
};

/** Throws {@link CalibrationError}, `ImportanceMatrixError` or `GgufFileError`. */
export async function openCalibration(path: string): Promise<Calibration> {
  const file = await readGgufFile(path);
  checkKind(file);
  const handle = await open(path, 'r');
  try {
    return await readCalibration(new TensorReader(file, handle));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function checkKind({ path, metadata }: GgufFile): void {
  if (metadata['general.type'] !== 'imatrix')
    throw new CalibrationError(`${path} is no calibration; make one with hearth calibrate`);
  const version = metadata[CALIBRATION_KEYS.version];
  if (version === undefined)
    throw new CalibrationError(
      `${path} is an importance matrix without what pruning needs; make a calibration with hearth calibrate`,
    );
  if (version !== CALIBRATION_VERSION)
    throw new CalibrationError(
      `${path} is a calibration of version ${String(version)}; expected ${CALIBRATION_VERSION}`,
    );
}

async function readCalibration(reader: TensorReader): Promise<Calibration> {
  const { file } = reader;
  const layers: LayerStatistics[] = [];
  for (let layer = 0; layer < countLayers(file); layer++)
    layers.push({
      attnOutput: await readStatistics(reader, layer, 'attn_output'),
      ffnDown: await readStatistics(reader, layer, 'ffn_down'),
    });
  return {
    nTokens: wholeNumber(file, CALIBRATION_KEYS.nTokens),
    chunkSize: wholeNumber(file, 'imatrix.chunk_size'),
    textSha256: text(file, CALIBRATION_KEYS.textSha256),
    modelDigest: text(file, CALIBRATION_KEYS.modelDigest),
    importance: await readImportanceMatrix(file.path),
    layers,
    close: () => reader.close(),
  };
}

/** One more than the last layer of which the file tells; bounded by its tensors. */
function countLayers({ path, tensors }: GgufFile): number {
  const numbers = tensors.flatMap(({ name }) => /^blk\.(\d+)\./.exec(name)?.[1] ?? []).map(Number);
  const nLayer = 1 + Math.max(-1, ...numbers);
  if (nLayer <= tensors.length) return nLayer;
  throw new CalibrationError(`${path} tells of layer ${nLayer - 1}, but not of those before it`);
}

async function readStatistics(
  reader: TensorReader,
  layer: number,
  weight: CutWeight,
): Promise<InputStatistics | null> {
  const name = cutWeightName(layer, weight);
  const sums = reader.find(meanTensorName(name));
  if (!sums) return null;
  const n = sums.shape[0] as number;
  const nTokens = wholeNumber(reader.file, CALIBRATION_KEYS.nSummed);
  const nRows = wholeNumber(reader.file, CALIBRATION_KEYS.nHeldOut);
  const hasGram = reader.find(gramTensorName(name)) !== undefined;
  const hasRows = reader.find(rowsTensorName(name)) !== undefined;
  return {
    ...{ n, nTokens, hasGram },
    sum: await reader.read(meanTensorName(name), [n]),
    readGram: () => reader.read(gramTensorName(name), [n, n]),
    nRows: hasRows ? nRows : 0,
    readRows: async () =>
      hasRows ? await reader.read(rowsTensorName(name), [n, nRows]) : new Float32Array(0),
  };
}

/** Node reads no more at once. */
const MOST_BYTES = 2 ** 30;

class TensorReader {
  readonly file: GgufFile;
  readonly #handle: FileHandle;
  readonly #tensors: ReadonlyMap<string, GgufTensor>;

  constructor(file: GgufFile, handle: FileHandle) {
    this.file = file;
    this.#handle = handle;
    this.#tensors = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  }

  find(name: string): GgufTensor | undefined {
    return this.#tensors.get(name);
  }

  /** All of a tensor, whose shape must be `expected`, ne[0] first. */
  async read(name: string, expected: readonly number[]): Promise<Float32Array> {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new CalibrationError(`${this.file.path} has no ${name}`);
    const { type, shape } = tensor;
    // GGUF leaves out a last size of 1.
    const isAsExpected = trimmed(shape) === trimmed(expected);
    if (type !== 'F32' || !isAsExpected)
      throw new CalibrationError(
        `${this.file.path}: ${name} is ${type} [${shape}]; expected F32 [${expected}]`,
      );
    return await this.#readFloats(tensor);
  }

  async #readFloats({ name, sizeBytes, offsetBytes }: GgufTensor): Promise<Float32Array> {
    const bytes = new Uint8Array(sizeBytes);
    for (let done = 0; done < sizeBytes; ) {
      const length = Math.min(MOST_BYTES, sizeBytes - done);
      const { bytesRead } = await this.#handle.read(bytes, done, length, offsetBytes + done);
      if (bytesRead === 0)
        throw new CalibrationError(`${this.file.path} ends within ${name}: it is cut off`);
      done += bytesRead;
    }
    return new Float32Array(bytes.buffer);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function trimmed(shape: readonly number[]): string {
  return shape.filter((size, i) => i === 0 || size !== 1).join(' × ');
}

function wholeNumber({ path, metadata }: GgufFile, key: string): number {
  const value = metadata[key];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new CalibrationError(`${path}: ${key} is ${String(value)}; expected a whole number`);
}

function text({ path, metadata }: GgufFile, key: string): string {
  const value = metadata[key];
  if (typeof value === 'string') return value;
  throw new CalibrationError(`${path}: ${key} is ${String(value)}; expected text`);
}
