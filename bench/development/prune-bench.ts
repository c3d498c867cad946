// npm run bench:prune: what hearth prune takes of a model of Llama-2-7B's widths: memory of the whole run with
// repairs by least squares and time for a layer, and its last pass over the weights against hearth convert.
// Weights are random, and layers are few: time and memory of a layer depend on its widths alone.
import os from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { FILE_TYPES } from '../../model/types/mixtures.js';
import { parseSize } from '../../terminal/units.js';
import type { Figure } from './figure.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import type { Setting } from './prune/setting.js';
import { measureWhole } from './prune/whole.js';
import { measureWriting } from './prune/writing.js';
import { reportFigures } from './report-figures.js';
import { makeSyntheticCheckpoint } from './synthetic-checkpoint.js';

const PARTS = {
  whole: measureWhole,
  writing: measureWriting,
} satisfies Record<string, (setting: Setting) => Promise<Figure[]>>;

const PART_NAMES = Object.keys(PARTS) as (keyof typeof PARTS)[];

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: memory and time of hearth prune, 7B widths')
  .options({
    only: { describe: 'Measure these parts', choices: PART_NAMES, array: true },
    layers: {
      describe: '7B-shaped layers of the model, all of which are pruned',
      type: 'number',
      default: 1,
    },
    ratio: { describe: 'Share of all weights that goes', type: 'number', default: 0.1 },
    type: {
      describe: 'Mixture of types',
      choices: FILE_TYPES,
      default: 'Q4_K_M' as const,
    },
    memory: { describe: 'Budget of the whole run', type: 'string', default: '8GiB' },
    tokens: { describe: 'Tokens of calibration', type: 'number', default: 2048 },
    rounds: { describe: 'Turns of writing and converting', type: 'number', default: 3 },
    folder: { describe: 'Where to work (4 GB)', type: 'string', default: os.tmpdir() },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await inTemporaryFolder(async (folder, signal) => {
  const { layers, ratio, type, tokens, memory, rounds, json } = arguments_;
  reportFigures(await measure(folder, signal), {
    json,
    setting: { layers, ratio, type, tokens, memory, rounds },
  });
}, arguments_.folder);

async function measure(folder: string, signal: AbortSignal): Promise<Figure[]> {
  const { layers, ratio, type, tokens, memory, rounds, only = PART_NAMES } = arguments_;
  const checkpoint = path.join(folder, 'checkpoint');
  await makeSyntheticCheckpoint(checkpoint, { ratio: 0, nLayer: layers });
  const figures: Figure[] = [];
  for (const part of only) {
    const setting = {
      ...{ checkpoint, ratio, type, tokens, rounds, folder, signal },
      model: `${layers} of Llama-2-7B's 32 layers`,
      layers: { first: 0, last: layers - 1 },
      memoryBytes: parseSize(memory),
      note: (text: string) => process.stderr.write(`${part}: ${text}\n`),
    };
    figures.push(...(await PARTS[part](setting)));
  }
  return figures;
}
