// What llama.cpp allocates for a model and its contexts, by its own count: the truth that predictions
// are held against. Asked of a process of its own.
// Predicts nothing.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { findLlamaLibrary } from '../../converter/index.js';
import { type Backend, ggmlTypeId, type KvType } from '../../devices/index.js';
import type { MemoryBreakdown } from '../measure/memory-breakdown.js';
import type { AllocationReply, AllocationTask } from './allocation-protocol.js';

export type Allocated = {
  modelPath: string;
  backend: Backend;
  /** As llama.cpp counts them: the output is one. */
  gpuLayers: number;
  mmap: boolean;
};

export type KvContext = { nCtx: number; kvType: KvType };

/** One breakdown a context. Throws what llama.cpp said, or that its process ended. */
export async function allocate(
  model: Allocated,
  contexts: readonly KvContext[],
): Promise<MemoryBreakdown[]> {
  const child = fork(new URL('./allocation-child.js', import.meta.url), [], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
    // A backtrace starts a debugger on the dying process, which can take minutes.
    env: { ...process.env, GGML_NO_BACKTRACE: '1' },
  });
  const end = once(child, 'close');
  child.send(taskOf(model, contexts));
  const reply = await Promise.race([
    once(child, 'message').then(([message]) => message as AllocationReply),
    end.then(([code, signal]): AllocationReply => {
      return { kind: 'failed', message: `llama.cpp ended its process (${signal ?? code})` };
    }),
  ]);
  child.kill('SIGKILL');
  await end;
  if (reply.kind === 'failed') throw new Error(`${model.modelPath}: ${reply.message}`);
  return reply.breakdowns;
}

function taskOf(
  { modelPath, backend, gpuLayers, mmap }: Allocated,
  contexts: readonly KvContext[],
): AllocationTask {
  const gpu = backend === 'cpu' ? false : backend;
  const variant = gpu === 'cuda' || gpu === 'vulkan' ? gpu : undefined;
  const libraries = {
    llama: findLlamaLibrary('llama', variant),
    ggml: findLlamaLibrary('ggml', variant),
  };
  return {
    settings: { modelPath, gpu, libraries, gpuLayers, threads: 1, flashAttention: true, mmap },
    contexts: contexts.map(({ nCtx, kvType }) => ({ nCtx, kvTypeId: ggmlTypeId(kvType) })),
  };
}
