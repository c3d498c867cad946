// The unpruned model as llama.cpp runs it, with what a calibration tells of its parts: what every way of
// pruning starts from, however much is to go. Prints nothing.
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { PrepareOptions } from '../converter/prepare.js';
import type { GgmlCompute } from '../llama/ggml-compute.js';
import type { GpuChoice } from '../llama/settings.js';
import { readGgufFile } from '../model/gguf/gguf-file.js';
import type { FileType } from '../model/types/mixtures.js';
import { openOutput } from '../terminal/output-file.js';
import { calibrate } from './calibrate/calibrate.js';
import {
  type CalibrationSettings,
  calibrationSettings,
  findGpu,
} from './calibrate/calibration-settings.js';
import { CalibrationError } from './calibration-error.js';
import { type Calibration, openCalibration } from './calibration-file.js';
import { type CalibrationNeeds, checkCalibration } from './calibration-fit.js';
import { writeDenseGguf } from './dense-gguf.js';
import type { DenseModel, Part } from './dense-model.js';
import type { Multiply } from './linear/least-squares.js';
import { type MeasuredPart, measurePart } from './measured-part.js';
import { modelDigestOfGguf } from './model-digest.js';
import { type CalibrationPace, FirstChunkTimer } from './plan/time-plan.js';
import type { SplitText } from './split-text.js';
import type { Stage } from './stage.js';
import { checkTemporarySpace } from './temporary-space.js';
import { scoreUnpruned, type UnprunedScore } from './unpruned-score.js';

export type CalibratingOptions = Pick<PrepareOptions, 'checkpoint' | 'lora' | 'tokenizer'> & {
  output: string;
  force: boolean;
  /** Of the dense model while it is calibrated. */
  denseType: FileType;
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
  /** Called before that. */
  onUnpruned: (score: UnprunedScore) => void;
  /** Called where the model overflows half precision, and is made again in a type that it does not. */
  onOverflow: () => void;
};

export type CalibratedModel = {
  calibration: Calibration;
  /** The unpruned model as a file, and how it is loaded. */
  densePath: string;
  settings: CalibrationSettings;
  unpruned: UnprunedScore;
};

export type ToCalibrate = {
  dense: DenseModel;
  parts: readonly Part[];
  text: SplitText;
  /** Whether repairs will need Gram matrices of the inputs. */
  needsGrams: boolean;
  /** Called once. */
  onPace: (pace: CalibrationPace) => void;
};

export const CHUNK_SIZE = 512;

/** Throws `CalibrationError`, `OutputError`, `MeasureError` or the signal's reason. */
export async function calibrateModel(
  options: CalibratingOptions,
  { dense, parts, text, needsGrams, onPace }: ToCalibrate,
): Promise<CalibratedModel> {
  const { onStage, signal, folder } = options;
  if (options.calibration !== undefined)
    await checkGiven({ path: options.calibration, digest: null, needsGrams, parts });
  const isKept = (options.calibration ?? options.keepCalibration) !== undefined;
  await checkTemporarySpace(folder, {
    ...{ model: dense.model, parts, denseType: options.denseType },
    hasGrams: needsGrams && !isKept,
  });
  const scored = await scoreDense(options, { dense, parts, text: text.judging });
  const { densePath, denseMs, settings, unpruned } = scored;
  options.onUnpruned(unpruned);
  const timer = new FirstChunkTimer((chunkMs, nChunks) => onPace({ denseMs, chunkMs, nChunks }));
  const calibrationPath =
    options.calibration ?? options.keepCalibration ?? path.join(folder, 'calibration.gguf');
  if (options.calibration !== undefined) timer.without();
  else
    await calibrate({
      ...{ modelPath: densePath, text: text.calibration, settings, signal },
      output: calibrationPath,
      force: options.force,
      ...{ datasets: options.datasets, nTokens: options.nTokens, chunkSize: CHUNK_SIZE },
      grams: needsGrams ? new Set(parts.map(({ layer }) => layer)) : 'none',
      ...(options.memoryBytes !== undefined && { memoryBytes: options.memoryBytes }),
      overflowAdvice: OVERFLOW_ADVICE,
      onTokens: options.onTokens,
      onProgress: ({ done, of, pass, nPasses }) => {
        const place = { done: pass * of + done, of: of * nPasses };
        timer.at(place);
        onStage({ name: 'calibrate', part: 'chunk', ...place });
      },
    });
  // Where it happens on the calibration's text, too, that has named the layer.
  if (!Number.isFinite(unpruned.perplexity))
    throw new CalibrationError(
      `the unpruned model computes numbers that are not finite on the text that is held out to judge by; ${OVERFLOW_ADVICE}`,
    );
  const calibration = await openCalibration(calibrationPath);
  const digest = modelDigestOfGguf(await readGgufFile(densePath));
  checkCalibration(calibration, { path: calibrationPath, digest, needsGrams, parts });
  return { calibration, densePath, settings, unpruned };
}

/** Before any long work; the tokenizer is known after that. */
async function checkGiven(needs: CalibrationNeeds): Promise<void> {
  const calibration = await openCalibration(needs.path);
  try {
    checkCalibration(calibration, needs);
  } finally {
    await calibration.close();
  }
}

const OVERFLOW_ADVICE =
  'the model is broken or overflows half precision there; try --type BF16, which calibrates as BF16, too, or another --gpu';

type ScoredModel = Pick<CalibratedModel, 'densePath' | 'settings' | 'unpruned'> & {
  /** What writing it took. */
  denseMs: number;
};

type ToScore = Pick<ToCalibrate, 'dense' | 'parts'> & { text: string };

/** In half precision, which some models overflow, as long as that goes well. */
async function scoreDense(options: CalibratingOptions, toScore: ToScore): Promise<ScoredModel> {
  const { denseType } = options;
  const scored = await scoreAs(denseType, options, toScore);
  if (denseType !== 'F16' || Number.isFinite(scored.unpruned.perplexity)) return scored;
  options.onOverflow();
  await rm(scored.densePath);
  return await scoreAs('BF16', options, toScore);
}

async function scoreAs(
  type: FileType,
  options: CalibratingOptions,
  { dense, parts, text }: ToScore,
): Promise<ScoredModel> {
  const { onStage, signal, folder, gpu, threads, checkpoint, lora, tokenizer } = options;
  const begun = performance.now();
  const densePath = await writeDenseGguf(dense, parts, {
    ...{ checkpoint, lora, tokenizer, folder, signal, type },
    onProgress: ({ name, bytesDone, totalBytes }) =>
      onStage({ name: 'dense', part: name, done: bytesDone, of: totalBytes }),
  });
  const denseMs = performance.now() - begun;
  const settings = await calibrationSettings({
    ...{ modelPath: densePath, chunkSize: CHUNK_SIZE, gpu, threads },
  });
  onStage({ name: 'judge', part: 'the unpruned model', done: 0, of: 1 });
  const unpruned = await scoreUnpruned({ text, densePath, settings }, { folder, signal });
  return { densePath, denseMs, settings, unpruned };
}

/** Before any long work, what would be refused after it. `sizeBytes` is about what the output takes. */
export async function checkBeforehand(
  { output, keepCalibration, force, gpu }: CalibratingOptions,
  inputs: readonly string[],
  sizeBytes = 0,
): Promise<void> {
  await (await openOutput(output, { sizeBytes, inputs, force })).discard();
  if (keepCalibration !== undefined)
    await (await openOutput(keepCalibration, { inputs, force })).discard();
  if (gpu !== 'auto' && gpu !== 'off') await findGpu(gpu);
}

/** Throws the signal's reason once it is aborted: choosing or repairing a large layer takes minutes. */
export function productOf(compute: GgmlCompute, signal: AbortSignal): Multiply {
  return async (a, b) => {
    signal.throwIfAborted();
    const sizes = { m: a.nRows, n: b.nRows, k: a.nCols };
    const data = await compute.multiply(a.data, b.data, sizes);
    return { nRows: a.nRows, nCols: b.nRows, data };
  };
}

/** In which order each part can go, and at what cost. */
export async function measureParts(
  { onStage, signal }: Pick<CalibratingOptions, 'onStage' | 'signal'>,
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
