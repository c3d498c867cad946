// npm run bench:serve: hearth serve against bare node-llama-cpp in one run, as ratios, and what a
// device left alone has to withstand: load, kills, months of memory.
// One part a file in serve/; exits with 1 when a bar is missed.
import { mkdir } from 'node:fs/promises';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import type { Figure } from './figure.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { reportFigures } from './report-figures.js';
import { withBareThreads } from './serve/bare-threads.js';
import { measureConcurrent } from './serve/concurrent.js';
import { measureDecode } from './serve/decode.js';
import { measureIdle } from './serve/idle.js';
import { measureKills } from './serve/kills.js';
import { measureLoad } from './serve/load.js';
import { measureLogging } from './serve/logging.js';
import { measureMemory } from './serve/memory.js';
import { fileModel, makeModels } from './serve/served-models.js';
import type { Setting } from './serve/setting.js';
import { measureSeveral } from './serve/several.js';
import { measureStart } from './serve/start.js';
import { measureThreads } from './serve/threads.js';
import { measureTurns } from './serve/turns.js';

const PARTS = {
  threads: measureThreads,
  decode: measureDecode,
  concurrent: measureConcurrent,
  turns: measureTurns,
  memory: measureMemory,
  start: measureStart,
  load: measureLoad,
  kills: measureKills,
  logging: measureLogging,
  several: measureSeveral,
  idle: measureIdle,
} satisfies Record<string, (setting: Setting) => Promise<Figure[]>>;

type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: hearth serve against bare node-llama-cpp, and under load')
  .options({
    only: { describe: 'Measure these parts', choices: PART_NAMES, array: true },
    model: {
      describe: 'Measure this model',
      choices: ['appliance', 'synthetic', 'file'] as const,
    },
    file: { describe: 'Measure this GGUF as well', type: 'string' },
    quick: { describe: 'Fewer rounds, requests and kills', type: 'boolean', default: false },
    threads: {
      describe:
        "llama.cpp's threads on both sides; by default hearth as it starts, against bare at its best number",
      type: 'number',
    },
    models: { describe: 'Keep the models in this folder, and use them again', type: 'string' },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await inTemporaryFolder(async (folder, signal) =>
  reportFigures(await measure(folder, signal), {
    json: arguments_.json,
    setting: { threads: arguments_.threads ?? 'its own', quick: arguments_.quick },
  }),
);

async function measure(folder: string, signal: AbortSignal): Promise<Figure[]> {
  const { quick: isQuick, threads = null, only = PART_NAMES } = arguments_;
  const modelFolder = arguments_.models ?? folder;
  await mkdir(modelFolder, { recursive: true });
  const note = noteAs('models');
  const made = await makeModels({ folder: modelFolder, isQuick, note });
  const given = arguments_.file === undefined ? [] : [fileModel(arguments_.file, isQuick)];
  const asked = [...made, ...given].filter(({ name }) => name === (arguments_.model ?? name));
  const models = await withBareThreads(asked, { threads, note });
  const figures: Figure[] = [];
  for (const part of only) {
    const setting = { models, threads, isQuick, folder, signal, note: noteAs(part) };
    figures.push(...(await PARTS[part](setting)));
  }
  return figures;
}

function noteAs(part: string): (text: string) => void {
  return (text) => process.stderr.write(`${part}: ${text}\n`);
}
