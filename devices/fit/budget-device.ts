// A bare amount of memory as a device: what this machine's GPU, or else its CPU, may take.
// So that a budget is judged by the same rules as a card of the catalogue.
// How fast it is read is not known, so no speed is predicted for it.
import { formatMemory } from '../../terminal/units.js';
import type { Device } from '../catalogue/device.js';
import type { LocalGpu } from '../memory/dry-run/dry-run-protocol.js';

/**
 * hearth's own process, beside the engine's: 60 to 75 MiB resident when it serves (measured on Linux
 * x64). It comes out of the same memory where that is the system's.
 */
export const HEARTH_BYTES = 80 * 2 ** 20;

export function budgetDevice(memoryBytes: number, gpu: LocalGpu | null): Device {
  const kind = gpu === null ? 'cpu' : gpu.isShared ? 'shared' : 'discrete';
  return {
    id: 'budget',
    name: `${formatMemory(memoryBytes)} ${gpu ? `of this machine's GPU (${gpu.backend})` : 'of memory on the CPU'}`,
    ...{ kind, memoryBytes, backend: gpu?.backend ?? 'cpu' },
    reservedBytes: kind === 'discrete' ? 0 : Math.min(HEARTH_BYTES, memoryBytes),
    bandwidthBytesPerSecond: 0,
    computeFlops: 0,
  };
}
