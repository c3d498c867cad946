// How fast this machine's memory is, by copying for half a second on as many threads as llama.cpp
// would use: one thread cannot fill the memory bus. The best of some rounds counts, with bytes read
// and bytes written, as in STREAM's copy. Says nothing about a GPU's memory.
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { CopyOrder, CopyReport } from './copy-worker.js';

const MIB = 2 ** 20;
/** More than a core's share of any cache, so that the memory itself is read and written. */
const BUFFER_BYTES = 32 * MIB;

/** What else runs on the machine slows a round, and nothing makes one faster than the memory is. */
const ROUNDS = 5;

export type BandwidthOptions = {
  durationMs?: number;
  threads?: number;
  /** Of each of the two buffers of a thread. */
  bufferBytes?: number;
};

/** Bytes a second, read and written together. */
export async function measureBandwidth({
  durationMs = 500,
  threads = availableParallelism(),
  bufferBytes = BUFFER_BYTES,
}: BandwidthOptions = {}): Promise<number> {
  const workerData: CopyOrder = { bufferBytes, durationMs: durationMs / ROUNDS };
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('./copy-worker.js', import.meta.url), { workerData, execArgv: [] }),
  );
  try {
    await Promise.all(workers.map(nextReport));
    let best = 0;
    for (let round = 0; round < ROUNDS; round++) best = Math.max(best, await copyRound(workers));
    return best;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function copyRound(workers: Worker[]): Promise<number> {
  const reports = workers.map(nextReport);
  for (const worker of workers) worker.postMessage('start');
  return (await Promise.all(reports)).reduce((sum, report) => sum + rate(report), 0);
}

async function nextReport(worker: Worker): Promise<CopyReport> {
  const [report] = (await once(worker, 'message')) as [CopyReport];
  return report;
}

function rate(report: CopyReport): number {
  return report.kind === 'done' ? (2 * report.copiedBytes * 1000) / report.tookMs : 0;
}
