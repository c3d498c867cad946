// The messages between a dry run and its child process: plain data, one answer a question.
// Advanced serialisation keeps the header a Buffer.
import type { GpuBackend } from '../../../llama/settings.js';
import type { ResolvedSettings } from '../resolved-settings.js';

/** What is asked of llama.cpp. */
export type DryRunSettings = Pick<
  ResolvedSettings,
  'gpuLayers' | 'nCells' | 'parallel' | 'nBatch' | 'kvType'
> & { flashAttention: ResolvedSettings['askedFlashAttention'] };

export type DryRunQuestion = {
  id: number;
  /** Of a GGUF without a vocabulary. */
  header: Uint8Array;
  settings: DryRunSettings;
};

/** Bytes that a context would take: KV cache and compute buffers in one. */
export type DryRunResult = { hostBytes: number; deviceBytes: number; flashAttention: boolean };

/** A GPU of this machine, or several as one. */
export type LocalGpu = {
  backend: GpuBackend;
  totalBytes: number;
  /** Its memory is the system's. */
  isShared: boolean;
};

export type FromDryRun =
  /** What llama.cpp found of the backend; null where there is only the CPU. */
  | { kind: 'ready'; gpu: LocalGpu | null }
  | { kind: 'result'; id: number; result: DryRunResult }
  | { kind: 'failed'; id: number; message: string };
