// From a dense Llama to a pruned, repaired and quantised GGUF, stage by stage: the model as a file that
// llama.cpp runs, what its inputs are like on a text, which parts go, what the kept ones take over, and
// convert's one pass over the original weights. Prints nothing; a temporary folder holds what lies between.
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ConvertSummary } from '../converter/convert.js';
import type { LayerRange } from '../devices/plan/block-pruning.js';
import { openCompute } from '../llama/ggml-compute.js';
import { openCheckpoint } from '../model/checkpoint/checkpoint.js';
import { openLora } from '../model/checkpoint/lora/lora.js';
import type { QuantisePlan } from '../model/types/quantise-plan.js';
import {
  type CalibratedModel,
  type CalibratingOptions,
  CHUNK_SIZE,
  calibrateModel,
  checkBeforehand,
  measureParts,
  productOf,
} from './calibrated-model.js';
import { chooseWidths, type DriftMeter } from './choose/choose-widths.js';
import { openDriftMeter } from './choose/drift-meter.js';
import { type UniformWidths, weightBytes } from './choose/plain-widths.js';
import type { Target } from './choose/target.js';
import { listParts, openDenseModel, type Part } from './dense-model.js';
import { type Judgement, judge } from './judge.js';
import { type StageTimes, stageTimes, timeWork } from './plan/time-plan.js';
import type { RepairedPart, RepairTools } from './repair/repair-parts.js';
import { openScratch } from './scratch.js';
import { splitText } from './split-text.js';
import { JUDGED_CHUNKS } from './unpruned-score.js';
import { repairParts, type WritingOptions, writePruned } from './write-pruned.js';

export type PruneOptions = CalibratingOptions &
  WritingOptions & {
    target: Target;
    /** The same widths for every pruned layer, in place of `target`. */
    uniform: UniformWidths | null;
    layers: LayerRange;
    /** What may be spent on finding widths by measuring. */
    searchMs: number;
    /** Of the file, what is before the weights, at the most. */
    headerBytes: number;
    /** The plan of the file, by which quantising is timed. */
    quantised: QuantisePlan;
    text: string;
    /** Called once, when it is known how long each stage that is left takes. */
    onTimes: (times: StageTimes) => void;
  };

export type PruneSummary = {
  convert: ConvertSummary;
  repaired: RepairedPart[];
  judgement: Judgement;
  calibrationTokens: number;
};

/** Chunks that widths are chosen by. */
const CHOOSING_CHUNKS = 6;

/** Throws `CheckpointError`, `CalibrationError`, `OutputError`, `MeasureError` or the signal's reason. */
export async function prune(options: PruneOptions): Promise<PruneSummary> {
  const { checkpoint: denseCheckpoint, lora: loraFolder, layers, repair, folder, signal } = options;
  const checkpoint = await openCheckpoint(denseCheckpoint, { signal });
  await checkBeforehand(options, checkpoint.files, weightBytes(options.quantised));
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
    const multiply = productOf(compute, signal);
    const work = await timeWork({ ...options, parts, nEmbd: dense.model.nEmbd }, multiply);
    const ready = await calibrateModel(options, {
      ...{ dense, parts, text, needsGrams: repair === 'least-squares' },
      onPace: (pace) => options.onTimes(stageTimes({ work, ...pace, searchMs: options.searchMs })),
    });
    const tools = { dense, calibration: ready.calibration, multiply, scratch };
    return await pruneCalibrated(options, { tools, ready, parts, text: text.choosing }).finally(
      () => ready.calibration.close(),
    );
  } finally {
    scratch.close();
    compute.close();
    dense.close();
  }
}

type Prepared = { tools: RepairTools; ready: CalibratedModel; parts: Part[]; text: string };

async function pruneCalibrated(
  options: PruneOptions,
  { tools, ready, parts, text }: Prepared,
): Promise<PruneSummary> {
  const { dense, calibration } = tools;
  const measured = await measureParts(options, tools, parts);
  const meter = openMeter(options, { tools, ready, text });
  const widths = await chooseWidths(measured, {
    ...options,
    ...{ model: dense.model, meter, hasBiases: options.repair !== 'none' },
  });
  const repaired = await repairParts(options, tools, widths);
  const summary = await writePruned(options, { dense, calibration, repaired });
  const judgement = await judge({ ...options, ...ready, repaired, dense }).catch((error) =>
    rethrowWithoutOutput(options, error),
  );
  return { convert: summary, repaired, judgement, calibrationTokens: calibration.nTokens };
}

/** Who interrupts finds nothing; a file that cannot be judged is whole, and stays. */
async function rethrowWithoutOutput(
  { output, signal }: PruneOptions,
  error: unknown,
): Promise<never> {
  if (signal.aborted) await rm(output, { force: true });
  throw error;
}

function openMeter(
  { searchMs, repair, folder, signal, onStage }: PruneOptions,
  { tools, ready, text }: { tools: RepairTools; ready: CalibratedModel; text: string },
): DriftMeter | null {
  if (searchMs === 0) return null;
  return openDriftMeter({
    ...{ tools, text, repair, folder, signal, settings: ready.settings },
    densePath: ready.densePath,
    deadline: performance.now() + searchMs,
    onTrial: (part, done, of) => onStage({ name: 'search', part, done, of }),
  });
}
