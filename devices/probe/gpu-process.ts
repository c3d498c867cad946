// The child process that opens the GPU: it tells its parent what llama.cpp sees there, and ends.
// A process of its own, because a broken driver ends the process that loads it.
import { LlamaLogLevel, openNodeLlama } from '../../llama/node-llama.js';
import type { GpuReply } from './gpus.js';

reply(await describeGpus().catch((error: Error) => ({ kind: 'failed', reason: error.message })));

async function describeGpus(): Promise<GpuReply> {
  const llama = await openNodeLlama({ gpu: 'auto', logLevel: LlamaLogLevel.disabled });
  if (llama.gpu === false) return { kind: 'none' };
  const { total, free, unifiedSize } = await llama.getVramState();
  // Vulkan's library loads where there is no card, too.
  if (total === 0) return { kind: 'none' };
  const gpus = {
    backend: llama.gpu,
    names: await llama.getGpuDeviceNames(),
    totalBytes: total,
    freeBytes: free,
    isShared: unifiedSize > 0,
  };
  return { kind: 'gpus', gpus };
}

/** The native library may keep a process alive, so it is ended. */
function reply(message: GpuReply): void {
  process.send?.(message, () => process.exit());
}
