// hearth measure: what a model really takes on this machine, and how fast it is there.
// stdout holds the rows, stderr how far it is; what was measured stands there however it ends.
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { findDevice } from '../../devices/catalogue/catalogue.js';
import { devicesFlag } from '../../devices/devices-flag.js';
import { MAX_CONTEXT } from '../../llama/settings.js';
import { engineOptionsOf, loadFlags } from '../../runtime/engine/engine-flags.js';
import { openLog } from '../../runtime/log/answer-log.js';
import { logFlags, logOptionsOf } from '../../runtime/log/log-flags.js';
import type { MeasurementRow } from '../../runtime/log/measurement-fields.js';
import { many, text, valueFlag, wholeNumber } from '../../terminal/flags.js';
import { interruptible } from '../../terminal/interruptible.js';
import { noteAs, showProgressLine } from '../../terminal/print.js';
import { parseSize } from '../../terminal/units.js';
import { OUTPUT_FORMATS, rowsText } from '../results/row-text.js';
import { measure } from './measure.js';
import { ANSWER_TOKENS } from './repeated-answers.js';

const note = noteAs('measure');

/** llama-bench's. */
const DEFAULT_REPEATS = 5;
const MAX_REPEATS = 1_000;
const MAX_ANSWER_TOKENS = 100_000;

const measureOptions = {
  ...loadFlags,
  device: valueFlag(
    'Class of the catalogue that this machine is, for hearth results',
    text('device'),
  ),
  devices: devicesFlag,
  budget: valueFlag(
    'Hold the run to this much memory, as a smaller machine would: 8GiB (simulated)',
    parseSize,
  ),
  depth: {
    describe: 'Tokens in the context before a point; may be given several times',
    type: 'string',
    requiresArg: true,
    coerce: many(wholeNumber('depth', 1, MAX_CONTEXT)),
    defaultDescription: 'half way, and at the end',
  },
  repeats: valueFlag(
    'How often each point is measured, after a warm-up',
    wholeNumber('repeats', 1, MAX_REPEATS),
    { alias: 'r', defaultDescription: String(DEFAULT_REPEATS) },
  ),
  'answer-tokens': valueFlag(
    'Tokens of the answer',
    wholeNumber('answer-tokens', 1, MAX_ANSWER_TOKENS),
    { defaultDescription: String(ANSWER_TOKENS) },
  ),
  'only-answer': {
    describe: 'Measure only answers and memory, where speed does not matter',
    type: 'boolean',
  },
  output: {
    alias: 'o',
    describe: 'How to print; columns are named as llama-bench names them',
    choices: OUTPUT_FORMATS,
    default: 'table',
  },
  log: logFlags.log,
} as const;

type MeasureArguments = InferredOptionTypes<typeof measureOptions> & { model: string };

export const measureCommand: CommandModule<object, MeasureArguments> = {
  command: 'measure <model>',
  describe: 'Measure the speed and the memory of a model on this machine',
  builder: (yargs: Argv) =>
    yargs
      .positional('model', { describe: 'GGUF file', type: 'string', demandOption: true })
      .options(measureOptions)
      .example('$0 measure chat.gguf', 'An answer, pp512, tg128, and the same in a long context')
      .example('$0 measure chat.gguf --budget 8GiB -o json', 'As a machine with 8 GiB would'),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: MeasureArguments, signal: AbortSignal): Promise<void> {
  const device =
    argv.device === undefined ? null : await findDevice(argv.device, { files: argv.devices });
  const logOptions = logOptionsOf({ log: argv.log });
  const log = logOptions && openLog({ ...logOptions, onWarning: note });
  const rows: MeasurementRow[] = [];
  try {
    const { depth = [], repeats = DEFAULT_REPEATS } = argv;
    const measured = measure({
      engine: engineOptionsOf(argv.model, argv),
      repeats,
      answerTokens: argv['answer-tokens'],
      hasPoints: argv['only-answer'] !== true,
      depths: depth.length > 0 ? depth : undefined,
      device,
      budgetBytes: argv.budget,
      log,
      signal,
      onProgress: showProgressLine,
      onWarning: note,
    });
    for await (const row of measured) {
      rows.push(row);
      note(`${row.test}: ${row.median_ts.toFixed(2)} t/s`);
    }
  } finally {
    if (argv.budget !== undefined && rows.length > 0)
      note('simulated: these rows are of a run held to a budget, not of a real device');
    process.stdout.write(rowsText(rows, argv.output));
    await log?.close();
  }
}
