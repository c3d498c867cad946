// What is taken before any model is: the engine's process, and the context of the GPU's driver.
// One measured or published figure a backend; how far others are from it is what a fit's margin is for.
// Not counted: what the display and other programs hold, which the device's `reservedBytes` says.
import type { Backend } from '../../llama/settings.js';
import type { Pool } from './placement.js';

const MIB = 2 ** 20;

/**
 * `host`: resident memory of the engine's process beyond weights, KV and compute buffers, after an
 * answer, on Linux x64 (measured with this engine: 93 to 109 MiB on the CPU, 157 to 165 MiB beside
 * Vulkan's driver; CUDA's and Metal's are taken to be as large).
 * `device`: CUDA's context took 107 MiB on an RTX 4060 Ti and 555 MiB on an RTX PRO 6000, by count of
 * multiprocessors (https://github.com/ggml-org/llama.cpp/pull/23604); 330 MiB with work areas on a
 * 24 GB card (https://github.com/unslothai/unsloth/pull/6718). Cards of 8 and 12 GB are near the first.
 */
const OVERHEADS: Readonly<Record<Backend, Record<Pool, number>>> = {
  cpu: { host: 100 * MIB, device: 0 },
  cuda: { host: 160 * MIB, device: 200 * MIB },
  vulkan: { host: 160 * MIB, device: 100 * MIB },
  metal: { host: 160 * MIB, device: 50 * MIB },
};

export function overheadBytes(backend: Backend): Record<Pool, number> {
  return OVERHEADS[backend];
}
