// The process that holds ballast: takes memory of the GPU until as much is free as it was told, and
// keeps it until it is ended. In a process of its own, as the allocation must outlive every other.
import { findLlamaLibrary } from '../../llama/libraries.js';
import { loadLibrary } from '../../llama/load-library.js';
import { LlamaLogLevel, openNodeLlama } from '../../llama/node-llama.js';
import { watchParent } from '../../llama/orphan-watch.js';
import type { GpuBackend } from '../../llama/settings.js';
import { GPU_DEVICE_TYPES } from '../../llama/structs.js';
import { formatMemory } from '../../terminal/units.js';

export type BallastTask = {
  gpu: 'auto' | GpuBackend;
  freeBytes: number;
};

export type BallastReply =
  | { kind: 'held'; heldBytes: number; freeBytes: number }
  /** Nothing to hold: models run on the CPU here. */
  | { kind: 'no-gpu' }
  | { kind: 'failed'; message: string };

/** Vulkan drivers refuse single allocations of more than 1 to 4 GiB. */
const PIECE_BYTES = 2 ** 30;
/** Drivers round allocations up, to 2 MiB each. */
const TOLERANCE_BYTES = 64 * 2 ** 20;

watchParent();
process.once('message', (task: BallastTask) => {
  hold(task).then(reply, (error: Error) => reply({ kind: 'failed', message: error.message }));
});

function reply(message: BallastReply): void {
  process.send?.(message);
}

async function hold({ gpu, freeBytes }: BallastTask): Promise<BallastReply> {
  const llama = await openNodeLlama({ gpu, logLevel: LlamaLogLevel.disabled });
  if (llama.gpu === false) return { kind: 'no-gpu' };
  const calls = bind(llama.gpu);
  const device = GPU_DEVICE_TYPES.map((type) => calls.deviceByType(type) as unknown).find(Boolean);
  if (!device) throw new Error(`llama.cpp finds no ${llama.gpu} device`);
  const before = calls.free(device);
  if (before < freeBytes) throw new Error(`only ${formatMemory(before)} are free`);
  const wantedBytes = before - freeBytes;
  for (let heldBytes = 0; heldBytes < wantedBytes; heldBytes += PIECE_BYTES)
    take(calls, device, Math.min(PIECE_BYTES, wantedBytes - heldBytes));
  const leftBytes = calls.free(device);
  if (Math.abs(leftBytes - freeBytes) > TOLERANCE_BYTES)
    throw new Error(
      `its driver says that ${formatMemory(leftBytes)} are free with the ballast held`,
    );
  return { kind: 'held', heldBytes: wantedBytes, freeBytes: leftBytes };
}

function take(calls: ReturnType<typeof bind>, device: unknown, sizeBytes: number): void {
  const buffer = calls.allocate(calls.bufferType(device), sizeBytes) as unknown;
  if (!buffer) throw new Error(`it gives no ${formatMemory(sizeBytes)} of ballast`);
  // Written to, so that a driver that promises memory has to have it.
  calls.clear(buffer, 0);
}

function bind(gpu: GpuBackend) {
  const variant = gpu === 'metal' ? undefined : gpu;
  const registry = loadLibrary(findLlamaLibrary('ggml', variant));
  const base = loadLibrary(findLlamaLibrary('ggml-base', variant));
  const memory = base.func(
    'void ggml_backend_dev_memory(void *device, _Out_ size_t *free, _Out_ size_t *total)',
  );
  return {
    deviceByType: registry.func('void *ggml_backend_dev_by_type(int type)'),
    free(device: unknown): number {
      const [free, total] = [[0], [0]];
      memory(device, free, total);
      return Number(free[0]);
    },
    bufferType: base.func('void *ggml_backend_dev_buffer_type(void *device)'),
    allocate: base.func('void *ggml_backend_buft_alloc_buffer(void *type, size_t size)'),
    clear: base.func('void ggml_backend_buffer_clear(void *buffer, uint8_t value)'),
  };
}
