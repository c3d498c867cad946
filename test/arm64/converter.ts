// The converter on both processors, on the same files: what it writes must be the same bytes. Every type of a small
// random model with rows of whole blocks, with an importance matrix and without; then each other way to a file.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { samplePath } from '../../bench/development/sample-models.js';
import { convert } from '../../converter/convert.js';
import { FILE_TYPES, type FileType, needsImatrix } from '../../model/types/mixtures.js';
import { runProgram } from '../support/hearth.js';
import { randomLlama, writeLlama } from '../support/random-llama.js';
import { fixtures, packageRoot } from '../support/samples.js';
import type { ConvertJob } from './convert-jobs.js';
import { APP, type Arm64Setting } from './setting.js';

const FOLDER = '/root/convert';
const PROGRAM = 'convert-jobs.js';
const SIZES = { nLayer: 4, nEmbd: 256, nHead: 4, nHeadKv: 2, headSize: 64, nFf: 256 };
const MATRIX = 'random.calibration';
/** One for each of two processes: emulated, a conversion takes seconds. */
const LISTS = ['jobs-0.json', 'jobs-1.json'];

export async function checkConverter({ system, check }: Arm64Setting) {
  const folder = system.at(FOLDER);
  mkdirSync(folder);
  const jobs = await writeJobs(folder);
  cpSync(path.join(import.meta.dirname, PROGRAM), path.join(folder, 'convert-jobs.mjs'));
  const words = (app: string, at: string, list: string) => [
    `${at}/convert-jobs.mjs`,
    app,
    `${at}/${list}`,
  ];
  const here = LISTS.map((list) =>
    digests([process.execPath, ...words(packageRoot, folder, list)]),
  );
  const there = LISTS.map((list) => {
    return digests(system.words([`${APP}/bin/node`, ...words(APP, FOLDER, list)]));
  });
  const [ours, theirs] = [await all(here), await all(there)];
  for (const { name } of jobs) {
    const isSame = ours.has(name) && ours.get(name) === theirs.get(name);
    check(isSame, `converter: ${name}: the bytes of x64`);
  }
}

async function writeJobs(folder: string): Promise<ConvertJob[]> {
  writeLlama(path.join(folder, 'whole'), SIZES, randomLlama(SIZES));
  cpSync(path.join(fixtures, 'imatrix', MATRIX), path.join(folder, MATRIX));
  const jobs: ConvertJob[] = [];
  const isLong = (type: FileType) => Number(needsImatrix(type));
  for (const type of [...FILE_TYPES].sort((a, b) => isLong(b) - isLong(a))) {
    const options = { checkpoint: 'whole', type };
    if (!needsImatrix(type)) jobs.push({ name: type, options });
    jobs.push({ name: `${type} with a matrix`, importance: MATRIX, options });
  }
  jobs.push(...(await otherWays(folder)));
  for (const [i, list] of LISTS.entries()) {
    const some = jobs.filter((_, job) => job % LISTS.length === i);
    writeFileSync(path.join(folder, list), JSON.stringify(some));
  }
  return jobs;
}

/** A LoRA is merged, rows are padded, blocks are read and written anew. */
async function otherWays(folder: string): Promise<ConvertJob[]> {
  const copy = (name: string, sample: string) =>
    cpSync(samplePath(sample), path.join(folder, name), { recursive: true });
  copy('pruned', 'appliance/pruned-20');
  copy('global', 'formats/f_global');
  const output = path.join(folder, 'whole-Q4_K_M.gguf');
  await convert({ checkpoint: path.join(folder, 'whole'), type: 'Q4_K_M', output, threads: 1 });
  const job = (name: string, type: FileType, options: Omit<ConvertJob['options'], 'type'>) => {
    return { name: `${name} to ${type}`, options: { ...options, type } };
  };
  return [
    job('LLM-Pruner and its LoRA', 'Q4_K_M', { checkpoint: 'pruned', lora: 'pruned/lora' }),
    job('widths that are no whole blocks', 'IQ4_XS', { checkpoint: 'global' }),
    job('a GGUF of Q4_K_M', 'Q3_K_M', { checkpoint: path.basename(output) }),
  ];
}

async function all(lists: Promise<Map<string, string>>[]): Promise<Map<string, string>> {
  return new Map((await Promise.all(lists)).flatMap((list) => [...list]));
}

/** By the name of the job. */
async function digests(words: string[]): Promise<Map<string, string>> {
  const { status, stdout, stderr } = await runProgram(words);
  if (status !== 0) throw new Error(`${words.at(-3)} ended with ${status}: ${stderr.trim()}`);
  const lines = stdout.trim().split('\n');
  return new Map(lines.map((line) => line.split('\t') as [string, string]));
}
