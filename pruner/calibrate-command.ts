// hearth calibrate: how a model's weights are used on a text, for quantising and pruning it.
// stdout holds the summary, stderr how far it is.

import type { Argv, CommandModule, InferredOptionTypes } from 'yargs';
import { contextFlag } from '../llama/settings.js';
import { one, text, valueFlag, wholeNumber } from '../terminal/flags.js';
import { interruptible } from '../terminal/interruptible.js';
import { clearProgressLine, noteAs, print, showProgressLine } from '../terminal/print.js';
import { formatDisk, formatDuration, formatMemory, plural } from '../terminal/units.js';
import { type CalibrateSummary, calibrate } from './calibrate/calibrate.js';
import { progressText } from './calibrate/calibrate-progress.js';
import { calibrationSettings } from './calibrate/calibration-settings.js';
import { calibrationFlags, DEFAULT_TOKENS } from './calibration-flags.js';
import { readTexts } from './general-text.js';
import { languageNotice, shortTextNotice, unlikelyTextNotice } from './text-notices.js';

const note = noteAs('calibrate');

const MAX_TOKENS = 2 ** 26;
const DEFAULTS = { tokens: DEFAULT_TOKENS, ctx: 512 } as const;

const calibrateOptions = {
  output: {
    ...valueFlag('The GGUF to write', text('output')),
    alias: 'o',
    demandOption: true,
  },
  tokens: {
    ...valueFlag('So many of its first tokens', wholeNumber('tokens', 32, MAX_TOKENS)),
    defaultDescription: String(DEFAULTS.tokens),
  },
  ctx: {
    ...contextFlag('Tokens of a chunk'),
    coerce: one(wholeNumber('ctx', 16, 2 ** 20)),
    defaultDescription: String(DEFAULTS.ctx),
  },
  grams: {
    describe: 'Also what hearth prune repairs by: Gram matrices of the inputs that it cuts',
    type: 'boolean',
  },
  ...calibrationFlags,
} as const;

type CalibrateArguments = InferredOptionTypes<typeof calibrateOptions> & { model: string };

export const calibrateCommand: CommandModule<object, CalibrateArguments> = {
  command: 'calibrate <model>',
  describe: "Measure how a model uses its weights: llama.cpp's importance matrix, and more",
  builder: (yargs: Argv) =>
    yargs
      .positional('model', { describe: 'GGUF file', type: 'string', demandOption: true })
      .options(calibrateOptions)
      .example('$0 calibrate dense.gguf -o dense.imatrix.gguf', "With hearth's general text")
      .example('$0 calibrate dense.gguf --text manuals.txt --gpu off -o m.gguf', 'With your own'),
  handler: (argv) => interruptible((signal) => run(argv, signal)),
};

async function run(argv: CalibrateArguments, signal: AbortSignal): Promise<void> {
  const { model: modelPath, tokens: nTokens = DEFAULTS.tokens, ctx = DEFAULTS.ctx } = argv;
  const begun = performance.now();
  const { texts, names } = await readTexts(argv.text ?? []);
  warn(await languageNotice(texts, modelPath));
  const settings = await calibrationSettings({
    ...{ modelPath, chunkSize: ctx },
    gpu: argv.gpu,
    threads: argv.threads,
  });
  try {
    const summary = await calibrate({
      ...{ modelPath, settings, nTokens, chunkSize: ctx, signal, output: argv.output as string },
      text: texts,
      datasets: names,
      grams: argv.grams ? 'all' : 'none',
      ...(argv.memory !== undefined && { memoryBytes: argv.memory }),
      force: argv.force ?? false,
      onTokens: (tokens) => warn(shortTextNotice(tokens)),
      onLikelihood: (natsPerByte) => warn(unlikelyTextNotice(natsPerByte)),
      onProgress: (progress) => showProgressLine(progressText(progress, begun)),
    });
    clearProgressLine();
    const backend = settings.gpu === false ? 'cpu' : settings.gpu;
    report(argv, { ...summary, names, backend, durationMs: performance.now() - begun });
  } finally {
    clearProgressLine();
  }
}

function warn(notice: string | null): void {
  if (notice !== null) note(`warning: ${notice}`);
}

type CalibrateReport = CalibrateSummary & { names: string[]; backend: string; durationMs: number };

function report(argv: CalibrateArguments, summary: CalibrateReport): void {
  print(
    argv.json ? JSON.stringify(summaryJson(argv, summary), null, 2) : summaryText(argv, summary),
  );
}

function summaryText(
  { output, ctx = DEFAULTS.ctx }: CalibrateArguments,
  summary: CalibrateReport,
): string {
  const { nTokens, nChunks, nWeights, nPasses, sizeBytes, durationMs, peakRssBytes } = summary;
  const passes = nPasses === 1 ? '' : ` in ${nPasses} passes`;
  return [
    `${output}: ${formatDisk(sizeBytes)}, ${plural(nWeights, 'weight')}`,
    `text      ${summary.names.join(', ')}: ${nTokens} tokens, ${plural(nChunks, 'chunk')} of ${ctx}`,
    `took      ${formatDuration(durationMs)}${passes} on ${summary.backend}, at most ${formatMemory(peakRssBytes)}`,
  ].join('\n');
}

function summaryJson({ output, ctx = DEFAULTS.ctx }: CalibrateArguments, summary: CalibrateReport) {
  return {
    output,
    weights: summary.nWeights,
    datasets: summary.names,
    text_sha256: summary.textSha256,
    tokens: summary.nTokens,
    chunks: summary.nChunks,
    chunk_size: ctx,
    passes: summary.nPasses,
    backend: summary.backend,
    size_bytes: summary.sizeBytes,
    duration_ms: summary.durationMs,
    peak_rss_bytes: summary.peakRssBytes,
  };
}
