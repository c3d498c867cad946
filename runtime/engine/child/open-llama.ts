// llama.cpp for this machine, opened on the best device there is.
// node-llama-cpp first lets a process of its own try the library, so this is begun before all else,
// and the module has few others to load.

import type { Llama } from 'node-llama-cpp';
import { LlamaLogLevel, openNodeLlama } from '../../../llama/node-llama.js';
import type { EngineOptions } from '../engine.js';
import { EngineError } from '../engine-error.js';

export type OpeningLlama = {
  /** Rejects with {@link EngineError} `load-failed` where it cannot be loaded. */
  llama: Promise<Llama>;
  /** What llama.cpp has said so far; what it says from then on is not kept. */
  takeLines(): string[];
  startedAt: number;
};

export function openLlama(
  { gpu = 'auto', threads }: EngineOptions,
  onLog: (line: string) => void,
): OpeningLlama {
  const startedAt = performance.now();
  let lines: string[] | null = [];
  const opened = openNodeLlama({
    gpu: gpu === 'off' ? false : gpu,
    logLevel: LlamaLogLevel.info,
    logger: (_level, line) => {
      lines?.push(line);
      onLog(line);
    },
    ...(threads !== undefined && { maxThreads: threads }),
  });
  const llama = opened.catch((cause) => refuse(gpu, cause));
  // It may fail before anyone waits for it.
  llama.catch(() => {});
  const takeLines = () => {
    const said = lines ?? [];
    lines = null;
    return said;
  };
  return { llama, takeLines, startedAt };
}

function refuse(gpu: NonNullable<EngineOptions['gpu']>, cause: unknown): never {
  const what = gpu === 'auto' || gpu === 'off' ? 'this machine' : `${gpu} on this machine`;
  throw loadError(`llama.cpp cannot be loaded for ${what}`, cause);
}

/** A GPU's library loads where there is no such GPU, too; the model is then on the CPU. */
export async function hasDevice(llama: Llama): Promise<boolean> {
  return llama.gpu !== false && (await llama.getVramState()).total > 0;
}

export function loadError(what: string, cause: unknown): EngineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EngineError({ code: 'load-failed', message: `${what}: ${reason}` }, { cause });
}
