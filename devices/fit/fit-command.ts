// hearth fit: whether a model fits a device, how fast it would answer, and what to change.
// stdout holds the report, as text or JSON; the exit code is 1 where it does not fit.
// A checkpoint not yet converted may be asked about, too: fit-model.ts plans the file it would become.
import path from 'node:path';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { contextFlag, KV_TYPES, type KvType, parallelFlag } from '../../llama/settings.js';
import { FILE_TYPES, type FileType } from '../../model/types/mixtures.js';
import { text, valueFlag } from '../../terminal/flags.js';
import { print } from '../../terminal/print.js';
import { formatCount, parseSize } from '../../terminal/units.js';
import { deviceCatalogue, findDevice } from '../catalogue/catalogue.js';
import type { Device } from '../catalogue/device.js';
import { devicesFlag } from '../devices-flag.js';
import type { MemoryPredictor } from '../memory/memory-prediction.js';
import { openMemoryPredictor } from '../memory/predictor.js';
import { advise } from './advice.js';
import { budgetDevice } from './budget-device.js';
import type { Fit, FitRequest } from './fit.js';
import { adviceJson, fitJson } from './fit-json.js';
import { type FitModel, openFitModel } from './fit-model.js';
import { fitTable, fitText } from './fit-report.js';
import { type Fitter, openFitter } from './fitter.js';

const fitOptions = {
  device: valueFlag(
    'Device to fit, as hearth devices names it; without one, a table of all',
    text('device'),
  ),
  memory: valueFlag(
    "So much memory of this machine's GPU, or else of its CPU, such as 8GiB",
    parseSize,
    { conflicts: 'device' },
  ),
  ctx: {
    ...contextFlag('Tokens of context of each sequence'),
    defaultDescription: "the model's, at most 4096",
  },
  'kv-type': valueFlag('Type of the KV cache', (name) => name.toUpperCase() as KvType, {
    choices: KV_TYPES,
    defaultDescription: 'F16',
  }),
  parallel: {
    ...parallelFlag,
    defaultDescription: '1',
  },
  type: valueFlag(
    'Type that a checkpoint would be converted to',
    (name) => name.toUpperCase() as FileType,
    { choices: FILE_TYPES, defaultDescription: 'Q4_K_M' },
  ),
  devices: devicesFlag,
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

type FitArguments = InferredOptionTypes<typeof fitOptions> & { model: string };

export const fitCommand: CommandModule<object, FitArguments> = {
  command: 'fit <model>',
  describe: 'Say whether a model fits a device, how fast it would be, and what to change',
  builder: (yargs: Argv) =>
    yargs
      .positional('model', {
        describe: "A GGUF, LLM-Pruner's folder or its pytorch_model.bin, or a Hugging Face folder",
        type: 'string',
        demandOption: true,
      })
      .options(fitOptions)
      .example('$0 fit chat.gguf', 'On every device that hearth knows')
      .example('$0 fit chat.gguf --device rtx-3060-8gb --ctx 4096', 'Bars, speed and advice')
      .example(
        '$0 fit prune_log/llama-20 --memory 4GiB',
        'Before it is converted, on this machine',
      ),
  handler: run,
};

async function run(argv: FitArguments): Promise<void> {
  const model = await openFitModel(argv.model, argv.type);
  if (model.kind === 'gguf' && argv.type !== undefined)
    throw new Error(`${argv.model} is a GGUF, which has its type; --type is for a checkpoint`);
  const predictor = openMemoryPredictor();
  const fitter = openFitter(predictor);
  try {
    const device = await chooseDevice(argv, predictor);
    const { ctx: nCtx, 'kv-type': kvType, parallel } = argv;
    const asked = { argv, model, fitter, request: { nCtx, kvType, parallel } };
    const fits = device ? await fitOne(asked, device) : await fitAll(asked);
    if (!fits.some(({ verdict }) => verdict.kind !== 'does-not-fit')) process.exitCode = 1;
  } finally {
    await fitter.close();
  }
}

/** Null for all of them. */
async function chooseDevice(
  { device, memory, devices: files }: FitArguments,
  predictor: MemoryPredictor,
): Promise<Device | null> {
  if (memory !== undefined) return budgetDevice(memory, await predictor.localGpu());
  return device === undefined ? null : await findDevice(device, { files });
}

type FitQuestion = { argv: FitArguments; model: FitModel; fitter: Fitter; request: FitRequest };

async function fitOne(asked: FitQuestion, device: Device): Promise<Fit[]> {
  const { argv, fitter, request } = asked;
  const { model, types } = asked.model;
  const fit = await fitter.fit(model, device, request);
  const advice = await advise({ fitter, device, request, fit, model, types });
  if (argv.json) print({ ...modelJson(asked), ...fitJson(fit), advice: adviceJson(advice) });
  else print(fitText(title(asked), fit, advice));
  return [fit];
}

async function fitAll(asked: FitQuestion): Promise<Fit[]> {
  const { argv, fitter, request } = asked;
  const fits: Fit[] = [];
  for (const device of await deviceCatalogue({ files: argv.devices }))
    fits.push(await fitter.fit(asked.model.model, device, request));
  if (argv.json) print({ ...modelJson(asked), fits: fits.map(fitJson) });
  else print(fitTable(title(asked), fits));
  return fits;
}

function title({ argv, model, request }: FitQuestion): string {
  const { kind, fileType } = model;
  const { nParams } = model.model.shape;
  return [
    path.basename(path.resolve(argv.model)),
    `${fileType ?? 'mixed types'}${kind === 'checkpoint' ? ' once converted' : ''}`,
    `${formatCount(nParams)} parameters`,
    ...(request.kvType ? [`KV cache ${request.kvType}`] : []),
    ...(request.parallel ? [`${request.parallel} sequences`] : []),
  ].join(', ');
}

function modelJson({ argv, model, request }: FitQuestion) {
  return {
    model: {
      path: argv.model,
      kind: model.kind,
      file_type: model.fileType,
      architecture: model.model.shape.arch,
      parameters: model.model.shape.nParams,
      context_length: model.model.shape.nCtxTrain,
    },
    request: {
      n_ctx: request.nCtx ?? null,
      kv_type: request.kvType ?? 'F16',
      parallel: request.parallel ?? 1,
    },
  };
}
