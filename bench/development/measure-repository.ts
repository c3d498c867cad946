// npm run bench:results: measures what bench/results/ holds: the appliance family, and models in the
// shape of Llama-2-7B with random weights, made and removed one by one, on this machine's CPU; and their
// memory on software Vulkan, whose speed says nothing. Each file is replaced whole when all of it is there.
import { execFile } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { convert } from '../../converter/convert.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { APPLIANCES, convertedSample } from './sample-models.js';
import { makeSyntheticCheckpoint, PRUNED, type PruningRatio } from './synthetic-checkpoint.js';

const run = promisify(execFile);
const CLI = path.resolve(import.meta.dirname, '../../cli.js');
const RESULTS = path.resolve(import.meta.dirname, '../../../bench/results');

type Model = { name: string; make: (folder: string) => Promise<string> };

const RATIOS = Object.keys(PRUNED).map(Number) as PruningRatio[];
const FAMILIES: Record<'appliance' | 'llama-2-7b', Model[]> = {
  appliance: APPLIANCES.map((name) => ({
    name,
    make: (folder) => convertedSample(folder, name),
  })),
  'llama-2-7b': RATIOS.map((ratio) => ({
    name: `llama-2-7b, ${ratio} % pruned`,
    make: (folder) => makeSynthetic(folder, ratio),
  })),
};

type Family = keyof typeof FAMILIES;

/** What `hearth measure` is told: the whole on the CPU, on Vulkan one token for the memory's sake. */
const SPEED: Record<Family, string[]> = {
  appliance: ['--gpu', 'off', '--repeats', '5'],
  'llama-2-7b': ['--gpu', 'off', '--ctx', '1024', '--depth', '512', '--repeats', '3'],
};
const MEMORY = ['--only-answer', '--answer-tokens', '1', '--repeats', '1', '--ctx', '1024'];
/** Flash attention crashes in Mesa 22.3's software Vulkan itself, at some lengths of a prompt. */
const VULKAN = ['--gpu', 'vulkan', '--flash-attention', 'off'];

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: measure anew what bench/results/ holds')
  .options({
    family: { choices: Object.keys(FAMILIES) as Family[], array: true, describe: 'Only these' },
    backend: { choices: ['cpu', 'vulkan'] as const, array: true, describe: 'Only on these' },
    'memory-only': {
      describe: 'On the CPU, too: for a machine that is busy',
      type: 'boolean',
      default: false,
    },
    threads: {
      describe: 'CPU threads; fewer than cores where others use the machine',
      type: 'number',
      default: os.availableParallelism(),
    },
    folder: { describe: 'Where models are made (18 GB)', type: 'string', default: os.tmpdir() },
    output: { describe: 'Where the results go', type: 'string', default: RESULTS },
  })
  .strict()
  .parseAsync();

// Software Vulkan counts as a GPU only where it is named.
process.env['GGML_VK_VISIBLE_DEVICES'] ??= '0';

await inTemporaryFolder(async (folder, signal) => {
  for (const family of arguments_.family ?? (Object.keys(FAMILIES) as Family[]))
    await measureFamily(family, folder, signal);
}, arguments_.folder);

async function measureFamily(family: Family, folder: string, signal: AbortSignal): Promise<void> {
  const backends = arguments_.backend ?? ['cpu', 'vulkan'];
  const logOf = (backend: string) => path.join(folder, `${family}-${backend}.db`);
  for (const { name, make } of FAMILIES[family]) {
    note(`making ${name}`);
    const model = await make(folder);
    for (const backend of backends) {
      signal.throwIfAborted();
      note(`measuring ${name} on ${backend}`);
      const words = ['measure', model, ...wordsFor(family, backend), '--log', logOf(backend)];
      await run(process.execPath, [CLI, ...words], { signal });
    }
    await rm(model);
  }
  for (const backend of backends) await keepResults(`${family}-${backend}.jsonl`, logOf(backend));
}

function wordsFor(family: Family, backend: 'cpu' | 'vulkan'): string[] {
  const threads = ['--threads', String(arguments_.threads)];
  const memory = [...threads, ...MEMORY];
  if (backend === 'vulkan') return [...VULKAN, ...memory];
  if (arguments_['memory-only']) return ['--gpu', 'off', ...memory];
  return [...threads, ...SPEED[family]];
}

async function keepResults(name: string, log: string): Promise<void> {
  const { stdout } = await run(process.execPath, [CLI, 'results', 'export', '--log', log]);
  await mkdir(arguments_.output, { recursive: true });
  const file = path.join(arguments_.output, name);
  await writeFile(`${file}.part`, stdout);
  await rename(`${file}.part`, file);
  note(`${file} is written`);
}

async function makeSynthetic(folder: string, ratio: PruningRatio): Promise<string> {
  const checkpoint = path.join(folder, `llama-2-7b-pruned-${ratio}`);
  const output = `${checkpoint}-Q4_K_M.gguf`;
  await makeSyntheticCheckpoint(checkpoint, { ratio });
  await convert({ checkpoint, output, type: 'Q4_K_M', chatTemplate: 'llama-2' });
  await rm(checkpoint, { recursive: true });
  return output;
}

function note(text: string): void {
  process.stderr.write(`bench:results: ${text}\n`);
}
