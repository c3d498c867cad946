// hearth compare: pruned models beside the unpruned one, on the user's own files.
// stdout holds the tables or JSON, stderr how far it is; --report writes a page to show to others.
// What was measured stands there however it ends, but the report is written whole or not at all.
import path from 'node:path';
import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { deviceCatalogue } from '../../devices/catalogue/catalogue.js';
import { devicesFlag } from '../../devices/devices-flag.js';
import { MAX_CONTEXT } from '../../llama/settings.js';
import { engineOptionsOf, loadFlags } from '../../runtime/engine/engine-flags.js';
import { one, text, valueFlag, wholeNumber } from '../../terminal/flags.js';
import { interruptible } from '../../terminal/interruptible.js';
import { asOutputError, openOutput } from '../../terminal/output-file.js';
import { clearProgressLine, noteAs, print, showProgressLine } from '../../terminal/print.js';
import { readTextFile } from '../../terminal/text-file.js';
import { DEFAULT_QUESTION } from '../measure/repeated-answers.js';
import { readQuestions } from './answers/questions.js';
import { type CompareOptions, compare } from './compare.js';
import { comparisonJson } from './compare-json.js';
import { comparisonText } from './compare-text.js';
import type { Comparison, ScoredText } from './comparison.js';

const note = noteAs('compare');

/**
 * Plain English prose, written for hearth, so that no model has learnt it by heart and no licence stands
 * in the way. Three chunks of 512 tokens of Llama 2; a figure of it compares with no published one.
 */
const DEFAULT_TEXT = path.join(import.meta.dirname, 'default-text.txt');
const DEFAULT_TEXT_NAME = "hearth's own text";
const MAX_TEXT_BYTES = 256 * 2 ** 20;
const DEFAULTS = { repeats: 3, maxTokens: 256, textCtx: 512 } as const;

const compareOptions = {
  questions: {
    ...valueFlag(
      'File of questions, one a line, or JSON Lines {"q": …, "a": right answer}',
      text('questions'),
    ),
    defaultDescription: 'one, of how to make an Android application',
  },
  text: {
    describe: 'File of text that perplexity is measured on; --no-text to leave it out',
    type: 'string',
    defaultDescription: DEFAULT_TEXT_NAME,
    coerce: one((file) => (file === 'false' ? false : text('text')(file))),
  },
  'text-ctx': valueFlag('Tokens of a chunk of that text', wholeNumber('text-ctx', 4, MAX_CONTEXT), {
    defaultDescription: String(DEFAULTS.textCtx),
  }),
  chunks: valueFlag('Chunks of that text, at most', wholeNumber('chunks', 1, MAX_CONTEXT), {
    defaultDescription: 'all',
  }),
  'max-tokens': valueFlag(
    'Tokens of an answer, at most',
    wholeNumber('max-tokens', 1, MAX_CONTEXT),
    { defaultDescription: String(DEFAULTS.maxTokens) },
  ),
  repeats: valueFlag(
    'How often speed is measured, after a warm-up',
    wholeNumber('repeats', 1, 1000),
    { alias: 'r', defaultDescription: String(DEFAULTS.repeats) },
  ),
  'dense-checkpoint': valueFlag(
    'The unpruned checkpoint, or its F16 GGUF, to make the type of equal memory and measure that, too',
    text('dense-checkpoint'),
  ),
  report: valueFlag(
    'Write a page with charts that needs nothing else, to show to others',
    text('report'),
  ),
  force: { describe: 'Replace an existing report', type: 'boolean' },
  devices: devicesFlag,
  json: { describe: 'Print JSON', type: 'boolean' },
  ...loadFlags,
} as const;

type CompareArguments = InferredOptionTypes<typeof compareOptions> & { models: string[] };

export const compareCommand: CommandModule<object, CompareArguments> = {
  command: 'compare <models..>',
  describe: 'Compare pruned models with the unpruned one: answers, speed, memory, quality',
  builder: (yargs: Argv) =>
    yargs
      .positional('models', {
        describe: 'GGUF files, the unpruned model first',
        type: 'string',
        array: true,
        demandOption: true,
      })
      .options(compareOptions)
      .example('$0 compare dense.gguf p20.gguf p35.gguf --report out.html', 'A page to show')
      .example(
        '$0 compare dense.gguf p20.gguf --dense-checkpoint llama-2-7b --text wiki.test.raw',
        'The unpruned model at equal memory is made and measured',
      ),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: CompareArguments, signal: AbortSignal): Promise<void> {
  const { models, report } = argv;
  if (models.length < 2)
    throw new Error('name the unpruned model and at least one other to compare with it');
  const options = await compareOptionsOf(argv, signal);
  // Whether the report can be written is better known before an hour of measuring.
  if (report !== undefined) await (await openReport(argv)).discard();
  const comparison = await compare(options);
  clearProgressLine();
  try {
    // First, as a reader of the tables who goes, such as head, ends the program.
    if (report !== undefined && !signal.aborted) await writeReport(comparison, argv);
  } finally {
    print(argv.json ? comparisonJson(comparison) : comparisonText(comparison).trimEnd());
  }
  if (signal.aborted) return;
  const tried = [...comparison.models, ...comparison.made];
  const failed = tried.filter(({ failure }) => failure !== null);
  if (failed.length > 0)
    throw new Error(`${failed.length} of ${tried.length} models failed; the others are above`);
}

async function compareOptionsOf(
  argv: CompareArguments,
  signal: AbortSignal,
): Promise<CompareOptions> {
  const { questions, repeats, 'max-tokens': maxTokens } = argv;
  const { modelPath: _path, ...engine } = engineOptionsOf('', argv);
  return {
    models: argv.models,
    engine,
    setting: {
      questions: questions
        ? await readQuestions(questions)
        : [{ text: DEFAULT_QUESTION, expected: null }],
      maxTokens: maxTokens ?? DEFAULTS.maxTokens,
      repeats: repeats ?? DEFAULTS.repeats,
      text: await readText(argv),
    },
    denseCheckpoint: argv['dense-checkpoint'],
    devices: await deviceCatalogue({ files: argv.devices }),
    signal,
    onProgress: showProgressLine,
    onNote: note,
  };
}

async function readText(argv: CompareArguments): Promise<ScoredText | null> {
  const { text: file, 'text-ctx': nCtx = DEFAULTS.textCtx, chunks } = argv;
  if (file === false) return null;
  const whole = await readTextFile(file ?? DEFAULT_TEXT, MAX_TEXT_BYTES);
  return {
    name: file === undefined ? DEFAULT_TEXT_NAME : path.basename(file),
    // As llama-perplexity reads a file.
    text: whole.replace(/\n$/, ''),
    nCtx,
    maxChunks: chunks ?? null,
  };
}

async function openReport(argv: CompareArguments) {
  const { report = '', models, questions, text: file, force = false } = argv;
  const inputs = [...models, questions, file || undefined].filter((name) => name !== undefined);
  return await openOutput(report, { inputs, force });
}

async function writeReport(comparison: Comparison, argv: CompareArguments): Promise<void> {
  const { reportHtml } = await import('./report/report-html.js');
  const html = await reportHtml(comparison);
  const output = await openReport(argv);
  try {
    await output.handle.writeFile(html);
    await output.commit();
  } catch (error) {
    throw asOutputError(error, argv.report ?? '');
  } finally {
    await output.discard();
  }
  note(`the report is in ${argv.report}`);
}
