// Pairs compared on one model and one text: calibrated once, measured one after the other until the time is up,
// the best file kept, and every figure kept beside the output until the end, for a run that was interrupted.
import { createHash } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ConvertSummary } from '../../converter/convert.js';
import type { LayerRange } from '../../devices/plan/block-pruning.js';
import { openCompute } from '../../llama/ggml-compute.js';
import { openOutput } from '../../terminal/output-file.js';
import { temporaryPath } from '../../terminal/temporary-name.js';
import {
  type CalibratedModel,
  type CalibratingOptions,
  CHUNK_SIZE,
  calibrateModel,
  measureParts,
  productOf,
} from '../calibrated-model.js';
import type { Calibration } from '../calibration-file.js';
import type { DenseModel, Part } from '../dense-model.js';
import type { CalibrationPace } from '../plan/time-plan.js';
import { splitText } from '../split-text.js';
import { JUDGED_CHUNKS } from '../unpruned-score.js';
import type { WritingOptions } from '../write-pruned.js';
import { type MeasuredFile, openMeasuredFile } from './measured-file.js';
import { meanKl, type Pair, type PairQuality, pairName } from './pair.js';
import { openPairMeter, type PairMeter } from './pair-meter.js';
import { openNoiseMeter } from './rounding-noise.js';
import type { Measuring, SearchResult } from './search-pairs.js';

export type ComparisonOptions = CalibratingOptions &
  Omit<WritingOptions, 'type'> & {
    layers: LayerRange;
    text: string;
    /** What may be spent behind the calibration; one pair is measured in any case. */
    searchMs: number;
    /** Called once, when it is known how long calibrating takes. */
    onPace: (pace: CalibrationPace) => void;
    /** Called with how many figures of an interrupted run are taken, where there are some. */
    onFound: (nFound: number, path: string) => void;
    onMeasured: (pair: Pair, kl: number) => void;
  };

export type ComparedPairs = { dense: DenseModel; parts: readonly Part[]; pairs: readonly Pair[] };

export type PairComparison = Measuring & {
  calibrationTokens: number;
  /** The best pair's file becomes the output. */
  finish(result: SearchResult): Promise<ConvertSummary>;
  close(): Promise<void>;
};

/** Throws as calibrating does. */
export async function openComparison(
  options: ComparisonOptions,
  { dense, parts, pairs }: ComparedPairs,
): Promise<PairComparison> {
  const text = splitText(options.text, { choosing: 0, judging: JUDGED_CHUNKS * CHUNK_SIZE });
  const pruned = pairs.some(({ ratio }) => ratio > 0) ? parts : [];
  const compute = openCompute({ threads: options.threads ?? os.availableParallelism() });
  const multiply = productOf(compute, options.signal);
  const outputFolder = temporaryPath(options.output);
  let ready: CalibratedModel | undefined;
  const close = async () => {
    compute.close();
    await ready?.calibration.close();
    await rm(outputFolder, { recursive: true, force: true });
  };
  try {
    const { onPace } = options;
    const needsGrams = options.repair === 'least-squares';
    const toCalibrate = { dense, parts: pruned, text, needsGrams, onPace };
    ready = await calibrateModel(options, toCalibrate);
    const { calibration } = ready;
    const tools = { dense, calibration, multiply };
    const measured = await measureParts(options, tools, pruned);
    const meter = openPairMeter({
      ...{ ...options, tools, parts: measured, ready, outputFolder },
    });
    const kept = await openMeasuredFile(options.output, await settingsOf(options, tools));
    if (kept.nFound > 0) options.onFound(kept.nFound, kept.path);
    const run = new ComparingRun(options, { meter, kept });
    const noises = measureNoise(options, tools, pairs);
    return {
      calibrationTokens: calibration.nTokens,
      noise: (pair) => noises.get(pair) ?? 0,
      measure: (pair, isFirst) => run.measure(pair, isFirst),
      tryPruning: (pair) => run.tryPruning(pair),
      finish: (result) => run.finish(result),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function measureNoise(
  { onStage, signal }: ComparisonOptions,
  { dense, calibration }: { dense: DenseModel; calibration: Calibration },
  pairs: readonly Pair[],
): Map<Pair, number> {
  const noise = openNoiseMeter(dense, calibration.importance);
  return new Map(
    pairs.map((pair, i) => {
      signal.throwIfAborted();
      onStage({ name: 'noise', part: pair.quantised.fileType, done: i, of: pairs.length });
      return [pair, noise(pair.quantised)];
    }),
  );
}

/** Measures within the time, and knows which file is the best. */
class ComparingRun {
  readonly #options: ComparisonOptions;
  readonly #meter: PairMeter;
  readonly #kept: MeasuredFile;
  readonly #deadline: number;
  #best: { pair: Pair; kl: number; file: ConvertSummary } | null = null;

  constructor(
    options: ComparisonOptions,
    { meter, kept }: { meter: PairMeter; kept: MeasuredFile },
  ) {
    this.#options = options;
    this.#meter = meter;
    this.#kept = kept;
    this.#deadline = performance.now() + options.searchMs;
  }

  async measure(pair: Pair, isFirst: boolean): Promise<PairQuality | null> {
    const { qualities } = this.#kept.measured;
    const quality = qualities[pairName(pair)] ?? (await this.#measureAnew(pair, isFirst));
    if (!quality) return null;
    this.#options.onMeasured(pair, meanKl(quality));
    qualities[pairName(pair)] = quality;
    await this.#kept.save();
    return quality;
  }

  async tryPruning(pair: Pair): Promise<number | null> {
    const { prunings } = this.#kept.measured;
    const kl =
      prunings[pairName(pair)] ??
      (await this.#inTime((signal) => this.#meter.tryPruning(pair, signal)));
    if (kl === null) return null;
    prunings[pairName(pair)] = kl;
    await this.#kept.save();
    return kl;
  }

  async finish({ measured: [winner] }: SearchResult): Promise<ConvertSummary> {
    const { output, force, signal } = this.#options;
    signal.throwIfAborted();
    if (!winner) throw new Error('nothing was compared');
    const { pair } = winner;
    const file =
      this.#best?.pair === pair ? this.#best.file : await this.#meter.write(pair, signal);
    const target = await openOutput(output, { inputs: [], force });
    try {
      await rename(file.output, target.temporaryPath);
      await target.commit();
    } finally {
      await target.discard();
    }
    await this.#kept.remove();
    return { ...file, output: path.resolve(output) };
  }

  async #measureAnew(pair: Pair, isFirst: boolean): Promise<PairQuality | null> {
    const work = (signal: AbortSignal) => this.#meter.measure(pair, signal);
    const written = isFirst ? await work(this.#options.signal) : await this.#inTime(work);
    if (!written) return null;
    const { file, quality } = written;
    const kl = meanKl(quality);
    const isBetter = this.#best === null || kl < this.#best.kl;
    const worse = isBetter ? this.#best?.file : file;
    if (worse) await rm(worse.output, { force: true });
    if (isBetter) this.#best = { pair, kl, file };
    return quality;
  }

  /** Null where the time is up before `work` is done. */
  async #inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
    const leftMs = this.#deadline - performance.now();
    if (leftMs <= 0) return null;
    const late = AbortSignal.timeout(Math.ceil(leftMs));
    const { signal } = this.#options;
    try {
      return await work(AbortSignal.any([signal, late]));
    } catch (error) {
      if (late.aborted && !signal.aborted) return null;
      throw error;
    }
  }
}

/** By which figures of another run are known to be of the same model, text and repair. */
async function settingsOf(
  { checkpoint, lora, text, nTokens, layers, repair, denseType }: ComparisonOptions,
  { dense, calibration }: { dense: DenseModel; calibration: Calibration },
): Promise<string> {
  const files = [...dense.checkpoint.files, ...(dense.lora?.files ?? [])];
  const stats = await Promise.all(files.map((file) => stat(file)));
  const identity = {
    ...{ checkpoint, lora, nTokens, layers, repair, denseType, text },
    calibration: [calibration.modelDigest, calibration.textSha256, calibration.nTokens],
    files: files.map((file, i) => [file, stats[i]?.size, stats[i]?.mtimeMs]),
  };
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}
