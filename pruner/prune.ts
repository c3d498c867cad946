// From a dense Llama to a pruned, repaired and quantised GGUF, stage by stage: the model as a file that
// llama.cpp runs, what its inputs are like on a text, which parts go, what the kept ones take over, and
// convert's one pass over the original weights. Prints nothing; a temporary folder holds what lies between.
import os from 'node:os';
import path from 'node:path';
import { type ConvertSummary, convert } from '../converter/convert.js';
import type { PrepareOptions } from '../converter/prepare.js';
import type { LayerRange } from '../devices/plan/block-pruning.js';
import { type GgmlCompute, openCompute } from '../llama/ggml-compute.js';
import type { GpuChoice } from '../llama/settings.js';
import { openCheckpoint } from '../model/checkpoint/checkpoint.js';
import { openLora } from '../model/checkpoint/lora/lora.js';
import { readGgufFile } from '../model/gguf/gguf-file.js';
import type { FileType } from '../model/types/mixtures.js';
import type { QuantisePlan } from '../model/types/quantise-plan.js';
import { openOutput } from '../terminal/output-file.js';
import { calibrate } from './calibrate/calibrate.js';
import {
  type CalibrationSettings,
  calibrationSettings,
  findGpu,
} from './calibrate/calibration-settings.js';
import { type Calibration, openCalibration } from './calibration-file.js';
import { checkCalibration, prunedImportance } from './calibration-fit.js';
import { chooseWidths, type DriftMeter } from './choose/choose-widths.js';
import { openDriftMeter } from './choose/drift-meter.js';
import type { UniformWidths } from './choose/plain-widths.js';
import type { Target } from './choose/target.js';
import { writeDenseGguf } from './dense-gguf.js';
import { type DenseModel, listParts, openDenseModel, type Part } from './dense-model.js';
import { type Judgement, judge } from './judge.js';
import type { Multiply } from './linear/least-squares.js';
import { type MeasuredPart, measurePart } from './measured-part.js';
import { modelDigestOfGguf } from './model-digest.js';
import { FirstChunkTimer, type StageTimes, stageTimes, timeWork } from './plan/time-plan.js';
import { pruningMetadata } from './pruning-metadata.js';
import type { RepairMode } from './repair/repair-linear.js';
import {
  asPruning,
  type RepairedPart,
  type RepairTools,
  repairPart,
} from './repair/repair-parts.js';
import { openScratch } from './scratch.js';
import { splitText } from './split-text.js';
import type { Stage } from './stage.js';

export type PruneOptions = Pick<
  PrepareOptions,
  'checkpoint' | 'lora' | 'tokenizer' | 'chatTemplate' | 'name'
> & {
  output: string;
  force: boolean;
  target: Target;
  /** The same widths for every pruned layer, in place of `target`. */
  uniform: UniformWidths | null;
  type: FileType;
  /** Of the dense model while it is calibrated. */
  denseType: FileType;
  layers: LayerRange;
  repair: RepairMode;
  /** What may be spent on finding widths by measuring. */
  searchMs: number;
  /** Of the file, what is before the weights, at the most. */
  headerBytes: number;
  /** The plan of the file, by which quantising is timed. */
  quantised: QuantisePlan;
  text: string;
  datasets: string[];
  nTokens: number;
  gpu: GpuChoice;
  threads: number | undefined;
  memoryBytes: number | undefined;
  /** A calibration made before, and where to keep this one. */
  calibration: string | undefined;
  keepCalibration: string | undefined;
  /** For what lies between; removed by the caller. */
  folder: string;
  signal: AbortSignal;
  onStage: (stage: Stage) => void;
  /** Called before calibrating, with how many tokens do so. */
  onTokens: (nTokens: number) => void;
  /** Called once, when it is known how long each stage that is left takes. */
  onTimes: (times: StageTimes) => void;
};

export type PruneSummary = {
  convert: ConvertSummary;
  repaired: RepairedPart[];
  judgement: Judgement;
  calibrationTokens: number;
};

/** Chunks that widths are chosen by, and that the result is judged on. */
const CHOOSING_CHUNKS = 6;
const JUDGED_CHUNKS = 8;
const CHUNK_SIZE = 512;

/** Throws `CheckpointError`, `CalibrationError`, `OutputError`, `MeasureError` or the signal's reason. */
export async function prune(options: PruneOptions): Promise<PruneSummary> {
  const { checkpoint: denseCheckpoint, lora: loraFolder, layers, repair, folder, signal } = options;
  const checkpoint = await openCheckpoint(denseCheckpoint, { signal });
  await checkOutputs(options, checkpoint.files);
  if (options.gpu !== 'auto' && options.gpu !== 'off') await findGpu(options.gpu);
  const lora = loraFolder === undefined ? null : await openLora(loraFolder, checkpoint);
  const dense = openDenseModel(checkpoint, lora);
  const compute = openCompute({ threads: options.threads ?? os.availableParallelism() });
  const scratch = openScratch(path.join(folder, 'repaired'));
  try {
    const parts = listParts(dense.model, layers);
    const text = splitText(options.text, {
      choosing: options.searchMs > 0 ? CHOOSING_CHUNKS * CHUNK_SIZE : 0,
      judging: JUDGED_CHUNKS * CHUNK_SIZE,
    });
    const multiply = productOf(compute);
    const given = { dense, parts, text: text.calibration, multiply };
    const ready = await prepareCalibration(options, given);
    const tools = { dense, calibration: ready.calibration, multiply, scratch };
    const measured = await measureParts(options, tools, parts);
    const meter = openMeter(options, { tools, ready, text: text.choosing });
    const widths = await chooseWidths(measured, {
      ...options,
      ...{ model: dense.model, meter, hasBiases: repair !== 'none' },
    });
    const repaired: RepairedPart[] = [];
    for (const [i, part] of measured.entries()) {
      signal.throwIfAborted();
      options.onStage({ name: 'repair', part: part.ggufName, done: i, of: measured.length });
      const nKept = widths.get(part) ?? part.nGroups;
      const done = await repairPart(tools, part, { nKept, mode: repair });
      if (done) repaired.push(done);
    }
    const summary = await write(options, { dense, calibration: ready.calibration, repaired });
    const judgement = await judge({ ...options, ...ready, repaired, dense, text: text.judging });
    await ready.calibration.close();
    return {
      ...{ convert: summary, repaired, judgement },
      calibrationTokens: ready.calibration.nTokens,
    };
  } finally {
    scratch.close();
    compute.close();
    dense.close();
  }
}

/** Before any long work, what would be refused after it. */
async function checkOutputs(
  { output, keepCalibration, force }: PruneOptions,
  inputs: readonly string[],
): Promise<void> {
  for (const file of [output, ...(keepCalibration === undefined ? [] : [keepCalibration])])
    await (await openOutput(file, { inputs, force })).discard();
}

function openMeter(
  { searchMs, repair, folder, signal, onStage }: PruneOptions,
  { tools, ready, text }: { tools: RepairTools; ready: Ready; text: string },
): DriftMeter | null {
  if (searchMs === 0) return null;
  return openDriftMeter({
    ...{ tools, text, repair, folder, signal, settings: ready.settings },
    densePath: ready.densePath,
    deadline: performance.now() + searchMs,
    onTrial: (part, done, of) => onStage({ name: 'search', part, done, of }),
  });
}

function productOf(compute: GgmlCompute): Multiply {
  return async (a, b) => {
    const sizes = { m: a.nRows, n: b.nRows, k: a.nCols };
    const data = await compute.multiply(a.data, b.data, sizes);
    return { nRows: a.nRows, nCols: b.nRows, data };
  };
}

export type Ready = {
  calibration: Calibration;
  /** The unpruned model as a file, and how it is loaded. */
  densePath: string;
  settings: CalibrationSettings;
};

type Given = { dense: DenseModel; parts: readonly Part[]; text: string; multiply: Multiply };

async function prepareCalibration(
  options: PruneOptions,
  { dense, parts, text, multiply }: Given,
): Promise<Ready> {
  const { onStage, signal, folder, gpu, threads, repair, checkpoint, lora, tokenizer } = options;
  const begun = performance.now();
  const densePath = await writeDenseGguf(dense, parts, {
    ...{ checkpoint, lora, tokenizer, folder, signal, type: options.denseType },
    onProgress: ({ name, bytesDone, totalBytes }) =>
      onStage({ name: 'dense', part: name, done: bytesDone, of: totalBytes }),
  });
  const denseMs = performance.now() - begun;
  const settings = await calibrationSettings({
    ...{ modelPath: densePath, chunkSize: CHUNK_SIZE, gpu, threads },
  });
  const work = await timeWork({ ...options, parts, nEmbd: dense.model.nEmbd }, multiply);
  const timer = new FirstChunkTimer((chunkMs, nChunks) => {
    options.onTimes(stageTimes({ work, denseMs, chunkMs, nChunks, searchMs: options.searchMs }));
  });
  const calibrationPath =
    options.calibration ?? options.keepCalibration ?? path.join(folder, 'calibration.gguf');
  const needsGrams = repair === 'least-squares';
  if (options.calibration !== undefined) timer.without();
  else
    await calibrate({
      ...{ modelPath: densePath, text, settings, signal, output: calibrationPath },
      force: options.force,
      ...{ datasets: options.datasets, nTokens: options.nTokens, chunkSize: CHUNK_SIZE },
      grams: needsGrams ? new Set(parts.map(({ layer }) => layer)) : 'none',
      ...(options.memoryBytes !== undefined && { memoryBytes: options.memoryBytes }),
      onTokens: options.onTokens,
      onProgress: ({ done, of, pass, nPasses }) => {
        const place = { done: pass * of + done, of: of * nPasses };
        timer.at(place);
        onStage({ name: 'calibrate', part: 'chunk', ...place });
      },
    });
  const calibration = await openCalibration(calibrationPath);
  const digest = modelDigestOfGguf(await readGgufFile(densePath));
  checkCalibration(calibration, { path: calibrationPath, digest, needsGrams, parts });
  return { calibration, densePath, settings };
}

async function measureParts(
  { onStage, signal }: PruneOptions,
  tools: { dense: DenseModel; calibration: Calibration; multiply: Multiply },
  parts: readonly Part[],
): Promise<MeasuredPart[]> {
  const measured: MeasuredPart[] = [];
  for (const [i, part] of parts.entries()) {
    signal.throwIfAborted();
    onStage({ name: 'choose', part: part.ggufName, done: i, of: parts.length });
    measured.push(await measurePart(tools, part));
  }
  return measured;
}

type Pruned = { dense: DenseModel; calibration: Calibration; repaired: RepairedPart[] };

async function write(
  options: PruneOptions,
  { dense: { model }, calibration, repaired }: Pruned,
): Promise<ConvertSummary> {
  const { checkpoint, lora, tokenizer, chatTemplate, name, type, output, force, signal } = options;
  const removed = repaired.reduce(
    (sum, { part, groups }) => sum + (part.nGroups - groups.length) * part.paramsPerGroup,
    0,
  );
  const counts = { nParams: model.nParams - removed, nParamsDense: model.nParams };
  const metadata = pruningMetadata(calibration, repaired, { repair: options.repair, ...counts });
  return await convert({
    ...{ checkpoint, lora, tokenizer, chatTemplate, name, type, output, force, signal },
    pruning: asPruning(model, repaired, metadata),
    importance: prunedImportance(calibration.importance, repaired),
    onProgress: (progress) =>
      options.onStage({
        ...{ name: 'write', part: progress.name },
        ...{ done: progress.bytesDone, of: progress.totalBytes },
      }),
  });
}
