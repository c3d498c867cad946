// The GPUs that llama.cpp can use here, with their memory, asked in a child process.
// What the driver reports to llama.cpp counts: the system's list also has GPUs it cannot use.
// Several GPUs are counted together, as llama.cpp spreads a model over all of them.
import { forkLlama } from '../../llama/child.js';
import type { GpuBackend } from '../../llama/settings.js';

export type Gpus = {
  backend: GpuBackend;
  names: string[];
  /** Of all of them together. */
  totalBytes: number;
  freeBytes: number;
  /** The memory is the system's. */
  isShared: boolean;
};

/** What the child process answers. */
export type GpuReply =
  | { kind: 'gpus'; gpus: Gpus }
  | { kind: 'none' }
  | { kind: 'failed'; reason: string };

/** A driver that hangs must not hang the command. */
const TIMEOUT_MS = 30_000;

/** Never rejects: a driver that crashes or hangs is `failed`, with the reason. */
export async function probeGpus(): Promise<GpuReply> {
  const child = forkLlama(new URL('./gpu-process.js', import.meta.url), {
    timeoutMs: TIMEOUT_MS,
  });
  return await new Promise((resolve) => {
    child.once('message', (reply: GpuReply) => resolve(reply));
    child.once('error', ({ message }) => resolve({ kind: 'failed', reason: message }));
    child.once('exit', (exitCode, signal) =>
      resolve({ kind: 'failed', reason: `the driver ended the probe (${signal ?? exitCode})` }),
    );
  });
}
