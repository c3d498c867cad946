// The thread that converts: takes the next piece off the shared list, converts and writes it.
// Every piece has its own place in the file, so workers need no order among themselves.
// Ends when the list does; says after each piece how far it got. Loads by their files the few modules
// that it needs: every thread would load the whole converter, 150 ms of CPU each.
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import { loadKernels } from '../quantise/kernels.js';
import { PieceConverter } from './convert-piece.js';
import type { Piece, TensorJob } from './tensor-job.js';

export type WorkerInput = {
  jobs: TensorJob[];
  pieces: Piece[];
  /** One Int32: the index of the next piece that nobody has taken. */
  next: SharedArrayBuffer;
  /** The output file, open in this process. */
  outputFd: number;
};

/** What a worker says: the index of a piece that is written, or why it gave up. */
export type WorkerMessage =
  | number
  | { filePath: string; problem: string }
  | { code: string | undefined; message: string };

const { jobs, pieces, next, outputFd } = workerData as WorkerInput;

try {
  convertPieces(new PieceConverter(loadKernels()));
} catch (error) {
  say(describe(error as NodeJS.ErrnoException));
}

function convertPieces(converter: PieceConverter): void {
  const counter = new Int32Array(next);
  for (let i = Atomics.add(counter, 0, 1); i < pieces.length; i = Atomics.add(counter, 0, 1)) {
    const piece = pieces[i] as Piece;
    const job = jobs[piece.job] as TensorJob;
    const { nRows, sizeBytes } = job.tensor;
    write(converter.convert(job, piece), job.offsetBytes + (sizeBytes / nRows) * piece.firstRow);
    say(i);
  }
  converter.close();
}

function write(bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(outputFd, bytes, done, bytes.length - done, position + done);
}

function describe(error: NodeJS.ErrnoException): WorkerMessage {
  if (error instanceof CheckpointError) return { filePath: error.filePath, problem: error.problem };
  return { code: error.code, message: error.message };
}

function say(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}
