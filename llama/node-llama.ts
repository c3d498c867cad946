// node-llama-cpp as hearth opens it: what hearth calls of it, in one file instead of 540, over the libraries that
// are installed, after a light trial of them. What runs a model loads it sooner for that, and takes less memory.
// It tries a library in a process of its own, which keeps a driver that breaks from taking more with it. That
// process would import the package again while the model waits; light-trial-child.ts makes the same calls without.
// A trial of another name, as another version may have, runs as it is.
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Llama, LlamaOptions } from 'node-llama-cpp';

type Package = typeof import('node-llama-cpp');

/** scripts/bundle-node-llama.mjs makes it. */
const BUNDLE = new URL('./node-llama-cpp.js', import.meta.url).href;
const { getLlama, ...parts } = (await import(BUNDLE)) as Package;
export const { LlamaGrammarEvaluationState, LlamaLogLevel, NoBinaryFoundError } = parts;

const TRIAL = 'testBindingBinary.js';
const LIGHT_TRIAL = fileURLToPath(new URL('./light-trial-child.js', import.meta.url));

type Fork = (script: string | URL, ...rest: unknown[]) => childProcess.ChildProcess;

const fork = childProcess.fork as Fork;
const forkLightly: Fork = (script, ...rest) =>
  fork(path.basename(String(script)) === TRIAL ? LIGHT_TRIAL : script, ...rest);
childProcess.fork = forkLightly as typeof childProcess.fork;
syncBuiltinESMExports();

/** What is installed is used, and nothing is built or fetched. */
const PREBUILT = { build: 'never', skipDownload: true, progressLogs: false } as const;

/** Rejects where there is no such library for this machine, or none that works. */
export async function openNodeLlama(
  options: Omit<LlamaOptions, keyof typeof PREBUILT>,
): Promise<Llama> {
  return await getLlama({ ...PREBUILT, ...options });
}
