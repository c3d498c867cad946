// A calibration of a model: llama.cpp computes a text in a process of its own, which fills the file.
// What is there after is whole, or nothing. Prints nothing.
import { createHash } from 'node:crypto';
import { runMeasuringProcess } from '../../llama/measuring-process.js';
import type { LlamaSettings } from '../../llama/model-settings.js';
import { type GgufFile, readGgufFile } from '../../model/gguf/gguf-file.js';
import { asOutputError, openOutput } from '../../terminal/output-file.js';
import { CalibrationError } from '../calibration-error.js';
import { CUT_WEIGHTS, cutWeightName } from '../calibration-tensors.js';
import { modelDigestOfGguf } from '../model-digest.js';
import type {
  CalibrateEvent,
  CalibrateTask,
  CutTask,
  ImportanceTask,
} from './calibrate-protocol.js';
import { calibrationBytes } from './calibration-writer.js';
import { gramMemory } from './memory-budget.js';
import { LEAST_CONTEXT } from './text-likelihood.js';

export type CalibrateOptions = {
  /** A GGUF of architecture llama or deci. */
  modelPath: string;
  text: string;
  /** What the text is called in the file. */
  datasets?: string[];
  /** At least so many, as far as the text goes; all of it by default. */
  nTokens?: number;
  /** Tokens that are computed together, from an empty context. */
  chunkSize?: number;
  /** Layers of which Gram matrices are summed. */
  grams?: 'none' | 'all' | ReadonlySet<number>;
  /** At most so many tokens are kept as rows and out of sums and Gram matrices. */
  nHeldOut?: number;
  settings: Omit<LlamaSettings, 'modelPath'>;
  /** Of the process that calibrates, model included; what is free by default. */
  memoryBytes?: number;
  output: string;
  force?: boolean;
  signal?: AbortSignal;
  /** Called before the first chunk, with how many tokens the text has in those that are computed. */
  onTokens?: (nTokens: number) => void;
  onProgress?: (progress: CalibrateProgress) => void;
  /** Called after some chunks, of which there must be a few hundred tokens; takes a little longer. */
  onLikelihood?: (natsPerByte: number) => void;
  /** What to do where the model computes numbers that are not finite. */
  overflowAdvice?: string;
};

export type CalibrateProgress = Extract<CalibrateEvent, { kind: 'chunk' }>;
export type CalibrateSummary = Omit<Extract<CalibrateEvent, { kind: 'calibrated' }>, 'kind'> & {
  /** Of the file. */
  sizeBytes: number;
  nWeights: number;
  textSha256: string;
};

const OVERFLOW_ADVICE =
  'the model is broken or overflows half precision there; try a BF16 or F32 file, or another backend';
const DEFAULT_CHUNK = 512;
const SCORED_CHUNKS = 4;
export const DEFAULT_HELD_OUT = 1024;

/** Throws {@link CalibrationError}, `GgufFileError`, `OutputError` or `MeasureError`. */
export async function calibrate(options: CalibrateOptions): Promise<CalibrateSummary> {
  const { modelPath, output, force = false, signal = new AbortController().signal } = options;
  const task = await prepareTask(options);
  const sizeBytes = calibrationBytes(task);
  const file = await openOutput(output, { sizeBytes, inputs: [modelPath], force });
  try {
    const run = { ...task, path: file.temporaryPath };
    const { kind: _kind, ...summary } = await runTask(run, signal, options);
    const { size } = await file.handle.stat();
    await file.commit();
    const { weights, textSha256 } = task;
    return { ...summary, textSha256, nWeights: weights.length, sizeBytes: size };
  } catch (error) {
    throw asOutputError(error, output);
  } finally {
    await file.discard();
  }
}

async function prepareTask(options: CalibrateOptions): Promise<Omit<CalibrateTask, 'path'>> {
  const { modelPath, text, grams = 'none', chunkSize = DEFAULT_CHUNK } = options;
  const { nHeldOut = grams === 'none' ? 0 : DEFAULT_HELD_OUT } = options;
  const file = await readGgufFile(modelPath);
  const weights = importanceTasks(file);
  const settings = { ...options.settings, modelPath };
  return {
    settings,
    text,
    textSha256: createHash('sha256').update(text).digest('hex'),
    datasets: options.datasets ?? ['text'],
    modelDigest: modelDigestOfGguf(file),
    nTokens: options.nTokens ?? null,
    nScored: options.onLikelihood && chunkSize >= LEAST_CONTEXT ? SCORED_CHUNKS : 0,
    overflowAdvice: options.overflowAdvice ?? OVERFLOW_ADVICE,
    ...{ chunkSize, nHeldOut, weights },
    cuts: cutTasks(weights, { grams, nHeldOut }),
    gramBytes: gramMemory(file, { settings, chunkSize, memoryBytes: options.memoryBytes }),
  };
}

/** The matrices of the layers, through which rows go. */
function importanceTasks({ path, tensors }: GgufFile): ImportanceTask[] {
  const experts = tensors.find(({ name, shape }) => /^blk\./.test(name) && shape.length > 2);
  if (experts)
    throw new CalibrationError(
      `${path} is a mixture of experts (${experts.name}); hearth calibrates Llama models of one feed-forward network a layer`,
    );
  return tensors
    .filter(({ name, shape }) => /^blk\.\d+\..*\.weight$/.test(name) && shape.length === 2)
    .map(({ name, shape }) => ({ name, nCols: shape[0] as number }));
}

function cutTasks(
  weights: readonly ImportanceTask[],
  { grams, nHeldOut }: { grams: 'none' | 'all' | ReadonlySet<number>; nHeldOut: number },
): CutTask[] {
  const found = new Map(weights.map((weight) => [weight.name, weight]));
  const cuts: CutTask[] = [];
  for (let layer = 0; layer < weights.length; layer++)
    for (const weight of CUT_WEIGHTS) {
      const task = found.get(cutWeightName(layer, weight));
      if (!task) continue;
      const hasGram = grams === 'all' || (grams !== 'none' && grams.has(layer));
      cuts.push({ ...task, hasGram, hasRows: nHeldOut > 0 && (hasGram || grams === 'none') });
    }
  return cuts;
}

async function runTask(
  task: CalibrateTask,
  signal: AbortSignal,
  { onTokens, onLikelihood, onProgress }: CalibrateOptions,
): Promise<Extract<CalibrateEvent, { kind: 'calibrated' }>> {
  const events = runMeasuringProcess<CalibrateEvent>(CHILD, task, { signal });
  let summary: Extract<CalibrateEvent, { kind: 'calibrated' }> | undefined;
  for await (const event of events) {
    if (event.kind === 'tokens') onTokens?.(event.nTokens);
    if (event.kind === 'likelihood') onLikelihood?.(event.natsPerByte);
    if (event.kind === 'chunk') onProgress?.(event);
    if (event.kind === 'calibrated') summary = event;
  }
  if (summary) return summary;
  throw new Error('the process that calibrates ended without a word');
}

const CHILD = new URL('./calibrate-child.js', import.meta.url);
