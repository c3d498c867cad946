// node-llama-cpp as hearth opens it: what hearth calls of it, in one file instead of 440, over the libraries that
// are installed. What runs a model loads it sooner for that, and takes less memory.
import type { Llama, LlamaOptions } from 'node-llama-cpp';

type Package = typeof import('node-llama-cpp');

/** scripts/bundle-node-llama.mjs makes it. */
const BUNDLE = new URL('./node-llama-cpp.js', import.meta.url).href;
const { getLlama, ...parts } = (await import(BUNDLE)) as Package;
export const { LlamaGrammarEvaluationState, LlamaLogLevel, NoBinaryFoundError } = parts;

/** What is installed is used, and nothing is built or fetched. */
const PREBUILT = { build: 'never', skipDownload: true, progressLogs: false } as const;

/** Rejects where there is no such library for this machine, or none that works. */
export async function openNodeLlama(
  options: Omit<LlamaOptions, keyof typeof PREBUILT>,
): Promise<Llama> {
  return await getLlama({ ...PREBUILT, ...options });
}
