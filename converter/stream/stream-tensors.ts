// Converts all tensors on all cores: starts the workers, follows them, and ends them all when one
// fails or the caller gives up. Reading, quantising and writing overlap because every worker is
// somewhere else in its piece.
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import { CheckpointError } from '../../model/checkpoint/checkpoint-error.js';
import { loadKernels } from '../quantise/kernels.js';
import type { SourceHashes } from './source-hashes.js';
import { cutIntoPieces, endOfPiece, type Piece, type TensorJob } from './tensor-job.js';
import type { WorkerInput, WorkerMessage } from './worker.js';

export type StreamProgress = {
  /** Of the tensor that was worked on last. */
  name: string;
  /** Tensors that are wholly written. */
  tensorsDone: number;
  tensors: number;
  /** Bytes written to the output. */
  bytesDone: number;
  totalBytes: number;
};

/**
 * Writes every job's tensor into the file open as `outputFd`. Resolves when all bytes are written;
 * rejects with what a worker threw, or with the signal's reason, after every worker has ended.
 */
export async function streamTensors(
  jobs: TensorJob[],
  outputFd: number,
  {
    hashes,
    signal,
    onProgress,
    threads = os.availableParallelism(),
  }: {
    hashes: SourceHashes;
    signal?: AbortSignal | undefined;
    onProgress?: ((progress: StreamProgress) => void) | undefined;
    threads?: number | undefined;
  },
): Promise<void> {
  loadKernels();
  const pieces = cutIntoPieces(jobs);
  const input: WorkerInput = { jobs, pieces, next: new SharedArrayBuffer(4), outputFd };
  const follower = new Follower(jobs, pieces, hashes, onProgress);
  const stop = () => Atomics.store(new Int32Array(input.next), 0, pieces.length);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', stop);
  try {
    const count = Math.max(1, Math.min(threads, pieces.length));
    const workers = Array.from({ length: count }, () => runWorker(input, follower, stop));
    const results = await Promise.allSettled(workers);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    signal?.throwIfAborted();
    await follower.hashed;
  } finally {
    signal?.removeEventListener('abort', stop);
    await follower.stop();
  }
}

/** Buffers live outside of the heap; what is inside is small. */
const WORKER_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

/** Resolves when the list of pieces is done; a failure `stop`s the other workers, too. */
async function runWorker(input: WorkerInput, follower: Follower, stop: () => void): Promise<void> {
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: input,
    // What this process was told to load, such as a test's loaders, a thread has no use for.
    execArgv: [],
    resourceLimits: WORKER_LIMITS,
  });
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    stop();
  };
  worker.on('error', fail);
  worker.on('message', (message: WorkerMessage) => {
    if (typeof message !== 'number') return fail(toError(message));
    try {
      follower.done(message);
    } catch (error) {
      // The caller's, from its onProgress.
      fail(error);
    }
  });
  const code = await new Promise<number>((resolve) => worker.on('exit', resolve));
  if (code !== 0) fail(new Error(`a converting thread ended with code ${code}`));
  if (failure) throw failure;
}

/** Errors lose their class on the way between threads, so they travel as plain data. */
function toError(message: Exclude<WorkerMessage, number>): Error {
  if ('problem' in message) return new CheckpointError(message.filePath, message.problem);
  return Object.assign(new Error(message.message), { code: message.code });
}

/** Keeps count of what is done, and the hashes just behind it. */
class Follower {
  hashed: Promise<void> = Promise.resolve();
  readonly #jobs: readonly TensorJob[];
  readonly #pieces: readonly Piece[];
  readonly #hashes: SourceHashes;
  readonly #onProgress: ((progress: StreamProgress) => void) | undefined;
  readonly #rowsLeft: number[];
  #isStopped = false;
  #progress: StreamProgress;

  constructor(
    jobs: readonly TensorJob[],
    pieces: readonly Piece[],
    hashes: SourceHashes,
    onProgress: ((progress: StreamProgress) => void) | undefined,
  ) {
    this.#jobs = jobs;
    this.#pieces = pieces;
    this.#hashes = hashes;
    this.#onProgress = onProgress;
    this.#rowsLeft = jobs.map(({ tensor }) => tensor.nRows);
    this.#progress = {
      name: '',
      tensorsDone: 0,
      tensors: jobs.length,
      bytesDone: 0,
      totalBytes: jobs.reduce((sum, { tensor }) => sum + tensor.sizeBytes, 0),
    };
  }

  done(index: number): void {
    const piece = this.#pieces[index] as Piece;
    const job = this.#jobs[piece.job] as TensorJob;
    const rowsLeft = (this.#rowsLeft[piece.job] as number) - piece.nRows;
    this.#rowsLeft[piece.job] = rowsLeft;
    const { tensorsDone, bytesDone } = this.#progress;
    const { name, sizeBytes, nRows } = job.tensor;
    this.#progress = {
      ...this.#progress,
      name,
      tensorsDone: tensorsDone + Number(rowsLeft === 0),
      bytesDone: bytesDone + (sizeBytes / nRows) * piece.nRows,
    };
    this.#onProgress?.(this.#progress);
    this.#hash(job, piece);
  }

  /** Resolves when no file is read any more: what follows may close them. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.hashed.catch(() => {});
  }

  #hash({ source, tensor }: TensorJob, piece: Piece): void {
    if (!source) return;
    const end = endOfPiece(source, tensor, piece);
    this.hashed = this.hashed.then(async () => {
      if (!this.#isStopped) await this.#hashes.advance(source.filePath, end);
    });
    // Whoever awaits `hashed` sees the failure; until then it must not count as unhandled.
    this.hashed.catch(() => {});
  }
}
