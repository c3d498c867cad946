// hearth convert: a checkpoint becomes a GGUF, with the plan, the progress and a summary.
// stdout holds the plan or the summary, as text or JSON; progress and warnings go to stderr.
// The work is convert.ts's, how it looks is convert-report.ts's.

import path from 'node:path';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { findDevice } from '../devices/catalogue/catalogue.js';
import { devicesFlag } from '../devices/devices-flag.js';
import { contextFlag, threadsFlag } from '../llama/settings.js';
import { readImportanceMatrix } from '../model/imatrix/read-importance-matrix.js';
import { FILE_TYPES, type FileType } from '../model/types/mixtures.js';
import { showByteProgress } from '../terminal/byte-progress.js';
import { text, valueFlag } from '../terminal/flags.js';
import { interruptible } from '../terminal/interruptible.js';
import { noteAs, print } from '../terminal/print.js';
import { parseSize } from '../terminal/units.js';
import { type ConvertOptions, convert } from './convert.js';
import { planJson, planText, summaryJson, summaryText } from './convert-report.js';
import { type PrepareOptions, prepare } from './prepare.js';
import { chatTemplateNames } from './template/choose-template.js';

const convertOptions = {
  output: {
    ...valueFlag('The GGUF to write', text('output')),
    alias: 'o',
    defaultDescription: 'NAME-TYPE.gguf',
  },
  lora: valueFlag('Merge the LoRA in this folder', text('lora')),
  tokenizer: valueFlag(
    'tokenizer.model, tokenizer.json or their folder, for a checkpoint without one',
    text('tokenizer'),
  ),
  type: {
    ...valueFlag('Mixture of types', (name) => name.toUpperCase() as FileType),
    choices: FILE_TYPES,
    defaultDescription: 'Q4_K_M',
  },
  imatrix: valueFlag(
    'Round with care what this importance matrix says counts, as llama-quantize does',
    text('imatrix'),
  ),
  'max-size': {
    ...valueFlag('Take the best type whose file is at most this large, such as 2.5GB', parseSize),
    conflicts: 'type',
  },
  for: {
    ...valueFlag(
      'Take the best type that fits this device, as hearth devices names it',
      text('for'),
    ),
    conflicts: ['type', 'max-size'],
  },
  ctx: {
    ...contextFlag('Tokens of context that must fit beside it'),
    implies: 'for',
    defaultDescription: "the model's, at most 4096",
  },
  devices: { ...devicesFlag, implies: 'for' },
  'chat-template': {
    ...valueFlag(`${chatTemplateNames.join(', ')}, or a file with Jinja`, text('chat-template')),
    defaultDescription: "the tokenizer's own",
  },
  name: valueFlag("The model's name", text('name')),
  threads: {
    ...threadsFlag('Converting threads'),
    defaultDescription: 'one a core',
  },
  'dry-run': { describe: 'Print the plan; read and write no weights', type: 'boolean' },
  force: { describe: 'Replace an existing file', type: 'boolean' },
  json: { describe: 'Print JSON', type: 'boolean' },
} as const;

type ConvertArguments = InferredOptionTypes<typeof convertOptions> & { checkpoint: string };

export const convertCommand: CommandModule<object, ConvertArguments> = {
  command: 'convert <checkpoint>',
  describe: 'Make one quantised GGUF of an LLM-Pruner or Hugging Face checkpoint, or of a GGUF',
  builder: (yargs: Argv) =>
    yargs
      .positional('checkpoint', {
        describe: 'A folder or file of LLM-Pruner, Hugging Face or another pruner, or a GGUF',
        type: 'string',
        demandOption: true,
      })
      .options(convertOptions)
      .example(
        '$0 convert prune_log/llama-20 --lora tune_log/llama-20 -o chat.gguf',
        'Q4_K_M with its LoRA',
      )
      .example('$0 convert prune_log/llama-50 --max-size 2.5GB --dry-run', 'What would fit')
      .example('$0 convert prune_log/llama-20 --for rtx-3060-8gb', 'The best type for that card'),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: ConvertArguments, signal: AbortSignal): Promise<void> {
  const options: PrepareOptions = {
    checkpoint: argv.checkpoint,
    lora: argv.lora,
    tokenizer: argv.tokenizer,
    type: argv.type,
    maxSizeBytes: argv['max-size'],
    forDevice: await readDevice(argv),
    chatTemplate: argv['chat-template'],
    importance: argv.imatrix === undefined ? undefined : await readImportanceMatrix(argv.imatrix),
    name: argv.name,
    signal,
  };
  if (argv['dry-run']) await printPlan(options, argv);
  else await convertAndReport(options, argv);
}

async function readDevice({ for: name, ctx, devices }: ConvertArguments) {
  if (name === undefined) return undefined;
  return { device: await findDevice(name, { files: devices }), nCtx: ctx };
}

async function printPlan(options: PrepareOptions, { json }: ConvertArguments): Promise<void> {
  const prepared = await prepare(options);
  warn(prepared.warnings);
  print(json ? JSON.stringify(planJson(prepared), null, 2) : planText(prepared));
}

async function convertAndReport(prepare: PrepareOptions, argv: ConvertArguments): Promise<void> {
  const progress = showByteProgress(process.stderr);
  const options: ConvertOptions = {
    ...prepare,
    output: argv.output ?? defaultOutput(argv),
    force: argv.force,
    threads: argv.threads,
    onPlan: ({ warnings }) => warn(warnings),
    onProgress: ({ name, bytesDone, totalBytes }) =>
      progress.update({ step: 'converting', part: name, bytesDone, totalBytes }),
  };
  try {
    const summary = await convert(options);
    progress.stop();
    print(argv.json ? JSON.stringify(summaryJson(summary), null, 2) : summaryText(summary));
  } finally {
    progress.stop();
  }
}

/** Beside where the user is, named for the folder and the type. */
function defaultOutput(argv: ConvertArguments): string {
  const { checkpoint, name, type, 'max-size': maxSize, for: device } = argv;
  const resolved = path.resolve(checkpoint);
  const folder = path.extname(resolved) === '.bin' ? path.dirname(resolved) : resolved;
  const base = path.basename(folder, '.gguf');
  const suffix = device ?? (maxSize === undefined ? (type ?? 'Q4_K_M') : 'fitted');
  return `${name ?? base}-${suffix}.gguf`.replaceAll(/[/\\\0]/g, '-');
}

function warn(warnings: readonly string[]): void {
  for (const warning of warnings) noteAs('convert')(`warning: ${warning}`);
}
