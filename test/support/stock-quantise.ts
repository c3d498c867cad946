// llama.cpp's own llama_model_quantize, from the library that node-llama-cpp ships, as a reference.
// By a program of its own, as llama.cpp ends the process where it cannot go on.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from './samples.js';

const SCRIPT = path.join(packageRoot, 'dist/llama/stock-quantise.js');
const THREADS = '1';

/**
 * Quantises `input` into every output, whose key is the path and value the LLAMA_FTYPE; with the
 * importance matrix `imatrix`, if there is one. Rejects where llama.cpp refuses.
 */
export async function stockQuantise(
  input: string,
  outputs: Record<string, number>,
  imatrix?: string,
): Promise<void> {
  const pairs = Object.entries(outputs).flatMap(([output, ftype]) => [output, String(ftype)]);
  const matrix = imatrix === undefined ? [] : ['--imatrix', imatrix];
  const words = [SCRIPT, ...matrix, THREADS, input, ...pairs];
  await promisify(execFile)(process.execPath, words, { maxBuffer: 64 * 2 ** 20 });
}
