// llama.cpp's own llama_model_quantize, from the library that node-llama-cpp ships, as a reference.
// By a program of its own, as llama.cpp ends the process where it cannot go on; one for many files, as its tables
// for types of two and three bits take seconds of CPU in each.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from './samples.js';

const SCRIPT = path.join(packageRoot, 'dist/llama/stock-quantise.js');
const THREADS = '1';

export type StockJob = {
  input: string;
  /** The LLAMA_FTYPE of each, by its path. */
  outputs: Record<string, number>;
  /** The path of an importance matrix. */
  imatrix?: string;
};

/** Rejects where llama.cpp refuses; what it made until then is there. */
export async function stockQuantise(...jobs: StockJob[]): Promise<void> {
  const words = jobs.map(({ input, outputs, imatrix }) => [
    ...(imatrix === undefined ? [] : ['--imatrix', imatrix]),
    input,
    ...Object.entries(outputs).flatMap(([output, ftype]) => [output, String(ftype)]),
  ]);
  const all = words.flatMap((own, i) => (i === 0 ? own : ['--', ...own]));
  const options = { maxBuffer: 64 * 2 ** 20 };
  await promisify(execFile)(process.execPath, [SCRIPT, THREADS, ...all], options);
}
