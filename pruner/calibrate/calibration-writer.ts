// A calibration as it is written: its size is known before the model runs, so that rows and Gram matrices
// go to their places as they come and are never all in memory.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { type HeaderTensor, layOutGguf } from '../../model/gguf/gguf-header.js';
import { type GgufMetadata, stringEntry, uint32Entry } from '../../model/gguf/gguf-metadata.js';
import {
  countTensorName,
  f32Vector,
  importancePairs,
  importanceTensors,
  sumTensorName,
} from '../../model/imatrix/imatrix-tensors.js';
import {
  CALIBRATION_KEYS,
  CALIBRATION_VERSION,
  gramTensorName,
  meanTensorName,
  rowsTensorName,
} from '../calibration-tensors.js';
import type { CalibrateTask, CutTask } from './calibrate-protocol.js';

export type CalibrationSize = {
  nChunks: number;
  /** In all chunks. */
  nTokens: number;
  /** In chunks that are not held out. */
  nSummed: number;
  /** Rows that are kept of the others. */
  nHeldOutRows: number;
};

export type CalibrationWriter = {
  sums(weight: string, sums: { squares: Float64Array; nTokens: number }): void;
  mean(weight: string, sum: Float64Array): void;
  gram(weight: string, gram: Float32Array): void;
  /** Row `index` of those that are held out. */
  row(weight: string, index: number, row: Float32Array): void;
  close(): void;
};

export function openCalibrationWriter(
  task: CalibrateTask,
  size: CalibrationSize,
): CalibrationWriter {
  const tensors = calibrationTensors(task, size.nHeldOutRows);
  const { header, offsetsBytes, fileBytes } = layOutGguf(pairsOf(task, size), tensors);
  const places = new Map(tensors.map(({ name }, i) => [name, offsetsBytes[i] as number]));
  const file = openSync(task.path, 'r+');
  ftruncateSync(file, fileBytes);
  writeAll(file, header, 0);
  const write = (name: string, values: Float32Array, offsetBytes = 0) =>
    writeAll(file, asBytes(values), (places.get(name) as number) + offsetBytes);
  return {
    sums(weight, { squares, nTokens }) {
      write(sumTensorName(weight), Float32Array.from(squares));
      write(countTensorName(weight), Float32Array.of(nTokens));
    },
    mean: (weight, sum) => write(meanTensorName(weight), Float32Array.from(sum)),
    gram: (weight, gram) => write(gramTensorName(weight), gram),
    row: (weight, index, row) => write(rowsTensorName(weight), row, index * row.byteLength),
    close: () => closeSync(file),
  };
}

/** Of the largest file that this task makes. */
export function calibrationBytes(
  task: Pick<CalibrateTask, 'weights' | 'cuts' | 'nHeldOut'>,
): number {
  return calibrationTensors(task, task.nHeldOut).reduce(
    (sum, { sizeBytes }) => sum + sizeBytes,
    HEADER_BYTES,
  );
}

/** About what the header takes. */
const HEADER_BYTES = 2 ** 20;

function calibrationTensors(
  { weights, cuts }: Pick<CalibrateTask, 'weights' | 'cuts'>,
  nRows: number,
): HeaderTensor[] {
  return [...importanceTensors(weights), ...cuts.flatMap((cut) => cutTensors(cut, nRows))];
}

function cutTensors({ name, nCols, hasGram, hasRows }: CutTask, nRows: number): HeaderTensor[] {
  return [
    f32Vector(meanTensorName(name), nCols),
    ...(hasGram ? [f32Matrix(gramTensorName(name), nCols, nCols)] : []),
    ...(hasRows && nRows > 0 ? [f32Matrix(rowsTensorName(name), nCols, nRows)] : []),
  ];
}

function f32Matrix(name: string, nCols: number, nRows: number): HeaderTensor {
  return { name, type: 'F32', nRows, nCols, nDims: 2, sizeBytes: 4 * nCols * nRows };
}

function pairsOf(task: CalibrateTask, size: CalibrationSize): GgufMetadata {
  const { datasets, chunkSize, modelDigest, textSha256 } = task;
  return {
    ...importancePairs({ datasets, chunkCount: size.nChunks, chunkSize }),
    [CALIBRATION_KEYS.version]: uint32Entry(CALIBRATION_VERSION),
    [CALIBRATION_KEYS.modelDigest]: stringEntry(modelDigest),
    [CALIBRATION_KEYS.textSha256]: stringEntry(textSha256),
    [CALIBRATION_KEYS.nTokens]: uint32Entry(size.nTokens),
    [CALIBRATION_KEYS.nSummed]: uint32Entry(size.nSummed),
    [CALIBRATION_KEYS.nHeldOut]: uint32Entry(size.nHeldOutRows),
  };
}

function asBytes({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Linux writes no more than 2 GiB at once. */
const MOST_BYTES = 2 ** 30;

function writeAll(file: number, bytes: Uint8Array, offsetBytes: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(
      file,
      bytes,
      done,
      Math.min(MOST_BYTES, bytes.length - done),
      offsetBytes + done,
    );
}
