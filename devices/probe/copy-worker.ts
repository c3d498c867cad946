// One thread of the bandwidth test: copies between two buffers that no cache holds, when told to.
// Both buffers are written before it reports, so that the system has given it the memory.
import { parentPort, workerData } from 'node:worker_threads';

export type CopyOrder = { bufferBytes: number; durationMs: number };
export type CopyReport = { kind: 'ready' } | { kind: 'done'; copiedBytes: number; tookMs: number };

const { bufferBytes, durationMs } = workerData as CopyOrder;
const from = new Uint8Array(bufferBytes).fill(1);
const to = new Uint8Array(bufferBytes).fill(2);

parentPort?.on('message', () => report({ kind: 'done', ...copyFor(durationMs) }));
report({ kind: 'ready' });

function copyFor(durationMs: number): { copiedBytes: number; tookMs: number } {
  const start = performance.now();
  let copiedBytes = 0;
  while (performance.now() - start < durationMs) {
    to.set(from);
    copiedBytes += bufferBytes;
  }
  return { copiedBytes, tookMs: performance.now() - start };
}

function report(message: CopyReport): void {
  parentPort?.postMessage(message);
}
