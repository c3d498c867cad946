// npm run bench:fit: what hearth fit says against the truth: bytes that llama.cpp allocates, the largest
// context that loads, the memory of the process, and what the command itself costs.
// On the CPU, and on software Vulkan where there is one; exits with 1 when a bar is missed.

import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { openFitter } from '../../devices/fit/fitter.js';
import type { MemoryPredictor } from '../../devices/memory/memory-prediction.js';
import { openMemoryPredictor } from '../../devices/memory/predictor.js';
import type { KvType } from '../../llama/settings.js';
import { type Figure, figure } from './figure.js';
import { CONTEXTS, compareMemory, KV_TYPES } from './fit/exactness.js';
import { fitLargeCheckpoint } from './fit/large-checkpoint.js';
import { raiseContext } from './fit/long-context.js';
import { type BenchVerdict, type Combination, tryVerdict } from './fit/verdict.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { reportFigures } from './report-figures.js';
import { APPLIANCES, convertedSample, FORMATS } from './sample-models.js';

const MIB = 2 ** 20;

type Setting = {
  folder: string;
  predictor: MemoryPredictor;
  backends: ('cpu' | 'vulkan')[];
  signal: AbortSignal;
};

const PARTS = {
  exactness: measureExactness,
  verdict: measureVerdicts,
  command: measureCommand,
} satisfies Record<string, (setting: Setting) => Promise<Figure[]>>;

type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];

const LONG_CONTEXT = 2 ** 20;
/** Fewer on software Vulkan, which takes a second a token. */
const TRIED = {
  cpu: { budgetsMib: [300, 400, 640, 1024], kvTypes: KV_TYPES },
  vulkan: { budgetsMib: [200], kvTypes: ['F16', 'Q8_0'] as KvType[] },
};

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: what hearth fit says against what llama.cpp allocates')
  .options({
    only: { describe: 'Measure these parts', choices: PART_NAMES, array: true },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

// Software Vulkan counts as a GPU only where it is named.
process.env['GGML_VK_VISIBLE_DEVICES'] ??= '0';

await inTemporaryFolder(async (folder, signal) => {
  const predictor = openMemoryPredictor();
  try {
    const hasVulkan = (await predictor.localGpu())?.backend === 'vulkan';
    const backends: Setting['backends'] = hasVulkan ? ['cpu', 'vulkan'] : ['cpu'];
    const figures: Figure[] = [];
    for (const part of arguments_.only ?? PART_NAMES)
      figures.push(...(await PARTS[part]({ folder, predictor, backends, signal })));
    reportFigures(figures, { json: arguments_.json });
  } finally {
    await predictor.close();
  }
});

/** Every sample, context and type; on Vulkan with all layers on it, and with some. */
async function measureExactness({
  folder,
  predictor,
  backends,
  signal,
}: Setting): Promise<Figure[]> {
  const contexts = CONTEXTS.flatMap((nCtx) => KV_TYPES.map((kvType) => ({ nCtx, kvType })));
  const figures: Figure[] = [];
  for (const backend of backends) {
    const found = { compared: 0, differences: 0, compute_off_bytes: 0 };
    for (const name of [...APPLIANCES, ...FORMATS])
      for (const gpuLayers of backend === 'cpu' ? [0] : [99, 3]) {
        signal.throwIfAborted();
        const modelPath = await convertedSample(folder, name);
        const place = { modelPath, backend, gpuLayers, mmap: backend !== 'cpu' };
        const one = await compareMemory(predictor, place, contexts, signal);
        for (const difference of one.differences) note(`${name} on ${backend}: ${difference}`);
        found.compared += one.compared;
        found.differences += one.differences.length;
        found.compute_off_bytes = Math.max(found.compute_off_bytes, one.computeOffBytes);
      }
    figures.push(
      atMost('exactness', 'weights and KV that differ', backend, found.differences, 0, found),
    );
  }
  return figures;
}

async function measureVerdicts({
  folder,
  predictor,
  backends,
  signal,
}: Setting): Promise<Figure[]> {
  const fitter = openFitter(predictor);
  const figures: Figure[] = [];
  let tried = 0;
  for (const backend of backends) {
    const verdicts: BenchVerdict[] = [];
    for (const combination of await combinations(folder, backend)) {
      signal.throwIfAborted();
      const verdict = await tryVerdict(fitter, combination, signal);
      if (verdict === null) continue;
      verdicts.push(verdict);
      for (const mistake of verdict.mistakes)
        note(`${path.basename(combination.modelPath)} on ${backend}: ${mistake}`);
    }
    tried += verdicts.length;
    const wrong = verdicts.filter(({ mistakes }) => mistakes.length > 0).length;
    const details = { tried: verdicts.length };
    figures.push(atMost('verdict', 'wrong verdicts', backend, wrong, 0, details));
  }
  const bar = { kind: 'at-least', value: 50 } as const;
  const what = 'combinations tried';
  return [
    ...figures,
    figure({ part: 'verdict', what, model: 'all', value: tried, bar, details: {} }),
  ];
}

async function combinations(folder: string, backend: 'cpu' | 'vulkan'): Promise<Combination[]> {
  const found: Combination[] = [];
  for (const name of APPLIANCES) {
    const modelPath = await convertedSample(folder, name);
    await raiseContext(modelPath, LONG_CONTEXT);
    for (const kvType of TRIED[backend].kvTypes)
      for (const memoryMib of TRIED[backend].budgetsMib)
        found.push({ modelPath, backend, kvType, memoryBytes: memoryMib * MIB });
  }
  return found;
}

async function measureCommand({ folder }: Setting): Promise<Figure[]> {
  const { seconds, peakRssBytes } = await fitLargeCheckpoint(path.join(folder, 'large'));
  const model = 'a checkpoint of 13.5 GB';
  return [
    atMost('command', 'seconds of hearth fit', model, seconds, 2, {}),
    atMost('command', 'MiB of hearth fit', model, peakRssBytes / MIB, 200, {}),
  ];
}

function atMost(
  part: string,
  what: string,
  model: string,
  value: number,
  most: number,
  details: Record<string, number>,
): Figure {
  return figure({ part, what, model, value, bar: { kind: 'at-most', value: most }, details });
}

function note(text: string): void {
  process.stderr.write(`bench:fit: ${text}\n`);
}
