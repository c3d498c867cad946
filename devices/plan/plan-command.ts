// hearth plan: from a device backwards to the least pruning that fits it, and the commands for that.
// stdout holds the plan, as text or JSON; the exit code is 1 where no pruning makes it fit.
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { contextFlag } from '../../llama/settings.js';
import type { SizedModel } from '../../model/shape/sized-model.js';
import { type FileType, fileTypesFor } from '../../model/types/mixtures.js';
import { text, valueFlag } from '../../terminal/flags.js';
import { print } from '../../terminal/print.js';
import { findDevice } from '../catalogue/catalogue.js';
import { devicesFlag } from '../devices-flag.js';
import { openFitter } from '../fit/fitter.js';
import { readBaseModel } from './base-model.js';
import type { LayerRange } from './block-pruning.js';
import { SHAPE_NAMES } from './named-shapes.js';
import { leastPruning, planForDevice } from './plan-for-device.js';
import { planReportJson } from './plan-json.js';
import { type PlanReport, planReportText } from './plan-report.js';

const DEFAULT_TYPE = 'Q4_K_M';

const planOptions = {
  device: valueFlag('Device to fit, as hearth devices names it', text('device'), {
    demandOption: true,
  }),
  ctx: {
    ...contextFlag(),
    defaultDescription: "the model's, at most 4096",
  },
  type: valueFlag(
    'Type that the table of ratios and the commands are of',
    (name) => name.toUpperCase() as FileType,
    { choices: fileTypesFor({ hasImatrix: false }), defaultDescription: DEFAULT_TYPE },
  ),
  layers: valueFlag('Layers to prune, from 0, such as 4-29', readRange, {
    defaultDescription: "LLM-Pruner's",
  }),
  devices: devicesFlag,
  json: { describe: 'Print JSON, with every ratio in every type', type: 'boolean' },
} as const;

type PlanArguments = InferredOptionTypes<typeof planOptions> & { base: string };

export const planCommand: CommandModule<object, PlanArguments> = {
  command: 'plan <base>',
  describe: 'Find the least pruning that fits a device, and the commands that make it',
  builder: (yargs: Argv) =>
    yargs
      .positional('base', {
        describe: `The unpruned model: a Hugging Face folder, its config.json, or ${SHAPE_NAMES.join(', ')}`,
        type: 'string',
        demandOption: true,
      })
      .options(planOptions)
      .example('$0 plan llama-2-13b --device rtx-3060-8gb', 'At 4096 tokens, in Q4_K_M')
      .example(
        '$0 plan llama-3-8b --device jetson-orin-nano --ctx 2048 --type Q5_K_M',
        'On a board',
      ),
  handler: run,
};

async function run(argv: PlanArguments): Promise<void> {
  const { ctx, type: fileType = DEFAULT_TYPE, layers, json } = argv;
  const device = await findDevice(argv.device ?? '', { files: argv.devices });
  const base = await readBaseModel(argv.base);
  const last = base.model.layers.length - 1;
  if (layers && layers.last > last)
    throw new Error(`--layers ends at ${layers.last}, but the last layer is ${last}`);
  const fitter = openFitter();
  try {
    const fit = (model: SizedModel) => fitter.fit(model, device, { nCtx: ctx });
    const rows = await planForDevice(base, { fit, layers });
    const report: PlanReport = { base, device, rows, fileType, deviceFiles: argv.devices ?? [] };
    print(json ? planReportJson(report) : planReportText(report));
    if (!leastPruning(rows, fileType)) process.exitCode = 1;
  } finally {
    await fitter.close();
  }
}

function readRange(words: string): LayerRange {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(words) ?? [];
  if (first !== undefined && last !== undefined && Number(first) <= Number(last))
    return { first: Number(first), last: Number(last) };
  throw new Error(`--layers takes the first and the last layer, such as 4-29, not "${words}"`);
}
