// hearth prune: a dense Llama becomes a smaller one, repaired and quantised, on this machine.
// stdout holds the summary, stderr the plan, how far it is and warnings.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { findDevice } from '../devices/catalogue/catalogue.js';
import type { Device } from '../devices/catalogue/device.js';
import { devicesFlag } from '../devices/devices-flag.js';
import type { LayerRange } from '../devices/plan/block-pruning.js';
import { contextFlag } from '../llama/settings.js';
import { openCheckpoint } from '../model/checkpoint/checkpoint.js';
import { CheckpointError } from '../model/checkpoint/checkpoint-error.js';
import { describeLlama } from '../model/shape/llama-model.js';
import { FILE_TYPES, type FileType } from '../model/types/mixtures.js';
import { duration, number, text, valueFlag, wholeNumber } from '../terminal/flags.js';
import { interruptible } from '../terminal/interruptible.js';
import { noteAs, print } from '../terminal/print.js';
import { parseSize } from '../terminal/units.js';
import { calibrationFlags, DEFAULT_TOKENS } from './calibration-flags.js';
import { defaultLayers } from './choose/default-layers.js';
import type { UniformWidths } from './choose/plain-widths.js';
import type { Target } from './choose/target.js';
import { denseTypeWithin } from './dense-type.js';
import { compareForDevice } from './for-device/compare-for-device.js';
import { readTexts } from './general-text.js';
import { planPruning, type UnplannedOptions } from './plan/plan.js';
import { planText } from './plan/plan-text.js';
import { type PruneOptions, prune } from './prune.js';
import { showStages, summaryJson, summaryText, timesText } from './prune-report.js';
import type { RepairMode } from './repair/repair-linear.js';
import { checkLength } from './split-text.js';
import { languageNotice, shortTextNotice } from './text-notices.js';

const note = noteAs('prune');
const REPAIRS = ['none', 'bias', 'least-squares'] as const satisfies readonly RepairMode[];
const DEFAULT_SEARCH_MS = 600_000;
const TARGETS = ['ratio', 'params', 'size', 'n-ff'] as const;

const pruneOptions = {
  output: { ...valueFlag('The GGUF to write', text('output')), alias: 'o', demandOption: true },
  ratio: valueFlag('Share of all weights to remove, such as 0.2', number('ratio', 0, 0.95)),
  params: valueFlag('Weights to keep, such as 5.4B', parseParams),
  size: valueFlag('Size of the file, such as 2.1GB', parseSize),
  'kv-heads': {
    ...valueFlag('KV heads that every pruned layer keeps', wholeNumber('kv-heads', 1, 4096)),
    implies: 'n-ff',
  },
  'n-ff': {
    ...valueFlag('Channels that every pruned layer keeps', wholeNumber('n-ff', 1, 2 ** 20)),
    implies: 'kv-heads',
  },
  layers: {
    ...valueFlag('Layers to prune, the first and the last of them, such as 4-29', parseLayers),
    defaultDescription: 'all but the first eighth and the last two',
  },
  type: {
    ...valueFlag('Mixture of types', (name) => name.toUpperCase() as FileType),
    choices: FILE_TYPES,
    defaultDescription: 'Q4_K_M; with --for alone, all are compared',
  },
  lora: valueFlag('Merge the LoRA in this folder first', text('lora')),
  tokenizer: valueFlag('tokenizer.model, tokenizer.json or their folder', text('tokenizer')),
  'chat-template': valueFlag('Name of a template, or a file with Jinja', text('chat-template')),
  name: valueFlag("The model's name", text('name')),
  tokens: {
    ...valueFlag('Tokens of it to calibrate with', wholeNumber('tokens', 1024, 2 ** 26)),
    defaultDescription: String(DEFAULT_TOKENS),
  },
  repair: {
    describe: 'How the kept parts take over from the removed ones',
    choices: REPAIRS,
    default: 'least-squares' as const,
  },
  search: {
    ...valueFlag(
      'Time for finding widths, or for comparing files, by measuring, such as 20m; 0 for even widths',
      duration('search', { allowsNone: true }),
    ),
    defaultDescription: '10m',
  },
  calibration: valueFlag(
    'Use this calibration, which --keep-calibration kept',
    text('calibration'),
  ),
  'keep-calibration': {
    ...valueFlag('Keep the calibration in this file', text('keep-calibration')),
    conflicts: 'calibration',
  },
  for: {
    ...valueFlag(
      'Device that will run it, as hearth devices names it; how much is pruned, and the type, are then found',
      text('for'),
    ),
    defaultDescription: 'this machine',
  },
  ctx: {
    ...contextFlag('Tokens of context that must fit beside it'),
    implies: 'for',
    defaultDescription: "the model's, at most 4096",
  },
  'min-tps': {
    ...valueFlag(
      'Tokens a second that the device must be likely to reach',
      number('min-tps', 0.01, 1e6),
    ),
    implies: 'for',
    conflicts: [...TARGETS],
  },
  devices: { ...devicesFlag, implies: 'for' },
  ...calibrationFlags,
} as const;

type PruneArguments = InferredOptionTypes<typeof pruneOptions> & { dense: string };

export const pruneCommand: CommandModule<object, PruneArguments> = {
  command: 'prune <dense>',
  describe:
    'Make a dense Llama smaller on this machine: fewer heads and channels, repaired, quantised',
  builder: (yargs: Argv) =>
    yargs
      .positional('dense', {
        describe: 'Hugging Face folder, or a GGUF of F32, F16, BF16 or Q8_0',
        type: 'string',
        demandOption: true,
      })
      .options(pruneOptions)
      .check((argv) => {
        const given = TARGETS.filter((name) => argv[name] !== undefined);
        if (given.length === 1 || (given.length === 0 && argv.for !== undefined)) return true;
        throw new Error(
          'say how much to remove by one of --ratio, --params, --size or --kv-heads with --n-ff, or name a device with --for, for which that is found',
        );
      })
      .example(
        '$0 prune Llama-2-7b-chat-hf --ratio 0.2 -o chat-20.gguf',
        'A fifth of the weights less',
      )
      .example('$0 prune dense-f16.gguf --size 2.1GB --type Q4_K_M -o chat.gguf', 'To a size')
      .example(
        '$0 prune Llama-2-7b-chat-hf --for rtx-3060-8gb --ctx 4096 --text mine.txt -o chat.gguf',
        'The best for that card, pruned or not',
      ),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: PruneArguments, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'hearth-prune-'));
  const stages = showStages();
  try {
    const options = await readOptions(argv, { folder, signal, onStage: stages.show });
    const device = await readDevice(argv);
    warn(await languageNotice(options.text, options.checkpoint));
    const hasTarget = TARGETS.some((name) => argv[name] !== undefined);
    if (device && !hasTarget)
      await compareForDevice(
        {
          ...{ ...options, device, nCtx: argv.ctx, type: argv.type, onTokens },
          minTps: argv['min-tps'] ?? null,
        },
        { stages, json: argv.json ?? false },
      );
    else await pruneToTarget(argv, { options, device, stages });
  } finally {
    stages.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

type Asked = {
  options: Awaited<ReturnType<typeof readOptions>>;
  device: Device | null;
  stages: ReturnType<typeof showStages>;
};

async function pruneToTarget(
  argv: PruneArguments,
  { options, device, stages }: Asked,
): Promise<void> {
  const begun = performance.now();
  const { type = 'Q4_K_M' } = argv;
  const target = { target: targetOf(argv), uniform: uniformOf(argv), type };
  const plan = await planPruning({ ...options, ...target }, { device, nCtx: argv.ctx });
  for (const line of planText(plan).split('\n')) note(line);
  const summary = await prune({
    ...{ ...options, ...target },
    headerBytes: plan.headerBytes,
    quantised: plan.size.quantised,
    onTokens,
    onTimes: (times) => note(timesText(times)),
  });
  stages.stop();
  for (const warning of summary.convert.warnings) warn(warning);
  const reported = { ...summary, durationMs: performance.now() - begun };
  print(argv.json ? JSON.stringify(summaryJson(reported), null, 2) : summaryText(reported));
}

function onTokens(nTokens: number): void {
  warn(shortTextNotice(nTokens));
}

function warn(notice: string | null): void {
  if (notice !== null) note(`warning: ${notice}`);
}

async function readOptions(
  argv: PruneArguments,
  { folder, signal, onStage }: Pick<PruneOptions, 'folder' | 'signal' | 'onStage'>,
) {
  const { dense: checkpoint, tokens: nTokens = DEFAULT_TOKENS } = argv;
  const model = describeLlama(await openCheckpoint(checkpoint, { signal }));
  const layers = argv.layers ?? defaultLayers(model.layers.length);
  checkLayers(layers, model.layers.length, checkpoint);
  const { texts, names } = await readTexts(argv.text ?? []);
  checkLength(texts, names);
  const memoryBytes = argv.memory;
  const budgetBytes = memoryBytes ?? process.availableMemory();
  const denseType = denseTypeWithin(model, budgetBytes, checkpoint);
  return {
    ...{ checkpoint, nTokens, layers, folder, signal, onStage, memoryBytes, denseType },
    ...{ lora: argv.lora, tokenizer: argv.tokenizer, chatTemplate: argv['chat-template'] },
    ...{ name: argv.name, gpu: argv.gpu, threads: argv.threads, repair: argv.repair },
    ...{ output: argv.output as string, force: argv.force ?? false },
    ...{ text: texts, datasets: names, calibration: argv.calibration },
    keepCalibration: argv['keep-calibration'],
    searchMs: argv.search ?? DEFAULT_SEARCH_MS,
  } satisfies Omit<UnplannedOptions, 'target' | 'uniform' | 'type'>;
}

async function readDevice({ for: name, devices }: PruneArguments) {
  return name === undefined ? null : await findDevice(name, { files: devices });
}

function targetOf({ ratio, params, size }: PruneArguments): Target {
  if (params !== undefined) return { kind: 'params', params };
  if (size !== undefined) return { kind: 'size', sizeBytes: size };
  return { kind: 'ratio', ratio: ratio ?? 0 };
}

function uniformOf(argv: PruneArguments): UniformWidths | null {
  const { 'kv-heads': nHeadKv, 'n-ff': nFf } = argv;
  return nHeadKv === undefined || nFf === undefined ? null : { nHeadKv, nFf };
}

function checkLayers({ first, last }: LayerRange, nLayer: number, checkpoint: string): void {
  if (first <= last && last < nLayer) return;
  throw new CheckpointError(
    checkpoint,
    `has layers 0 to ${nLayer - 1}; --layers ${first}-${last} is not a range of them`,
  );
}

function parseLayers(value: string): LayerRange {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(value) ?? [];
  if (first !== undefined && last !== undefined)
    return { first: Number(first), last: Number(last) };
  throw new Error(`--layers takes a first and a last layer such as 4-29, not "${value}"`);
}

/** `5.4B`, `100M`, or a whole number. */
function parseParams(value: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([MB]?)$/i.exec(value) ?? [];
  if (amount === undefined) throw new Error(`--params takes a number such as 5.4B, not "${value}"`);
  const factor = { '': 1, M: 1e6, B: 1e9 }[unit.toUpperCase()] ?? 1;
  return Math.round(Number(amount) * factor);
}
