// How long each stage takes here, told once the first chunk has been computed: what a layer of moderate size
// and a piece of quantising took on this machine just now, scaled to the layers at hand. An estimate: what else
// runs here changes, and a larger product is quicker for its size.
import os from 'node:os';
import { loadKernels } from '../../converter/quantise/kernels.js';
import { isQuantised, rowSizeBytes } from '../../llama/ggml-types.js';
import type { QuantisePlan } from '../../model/types/quantise-plan.js';
import { removalCurve } from '../choose/removal-curve.js';
import type { Part } from '../dense-model.js';
import type { InputMoments, Multiply } from '../linear/least-squares.js';
import { type Matrix, range, zeros } from '../linear/matrix.js';
import { type RepairMode, repairLinear } from '../repair/repair-linear.js';
import type { StageName } from '../stage.js';
import { JUDGED_CHUNKS } from '../unpruned-score.js';

/** In the order in which they come. */
export type StageTimes = { name: StageName; ms: number }[];

export type TimedWork = {
  parts: readonly Part[];
  nEmbd: number;
  repair: RepairMode;
  /** Of the file to come. */
  quantised: QuantisePlan;
};

/** What the work behind the calibration takes, in ms. */
export type WorkTimes = { choose: number; repair: number; quantise: number };

/** Takes part of a second. */
export async function timeWork(
  { parts, nEmbd, repair, quantised }: TimedWork,
  multiply: Multiply,
): Promise<WorkTimes> {
  const quantise = timeQuantising(quantised);
  if (repair !== 'least-squares') return { choose: 0, repair: 0, quantise };
  const inputs = parts.map(({ nGroups, groupSize }) => nGroups * groupSize);
  const n = Math.min(MOST_INPUTS, Math.max(...inputs));
  // The first time is also the compiler's.
  await timeLayer(Math.min(n, 4 * STEP), multiply);
  const [choosing, repairing] = await timeLayer(n, multiply);
  // Both are products and inverses of matrices of n × n and n × m.
  const work = inputs.reduce((sum, own) => sum + workOf(own, nEmbd) / workOf(n, n), 0);
  return { choose: work * choosing, repair: work * repairing, quantise };
}

/** What is known once the first chunk is computed. */
export type CalibrationPace = {
  /** What writing the unpruned model took. */
  denseMs: number;
  /** What a chunk took; null where a calibration was there. */
  chunkMs: number | null;
  /** Chunks that are left to calibrate, over all passes. */
  nChunks: number;
};

export type TimedRun = CalibrationPace & { work: WorkTimes; searchMs: number };

/**
 * What judging computes: the model without repair, with it, and the file; but it sums up nothing, which is
 * half of what a chunk takes at calibration.
 */
const CHUNKS_OF_JUDGING = (3 * JUDGED_CHUNKS) / 2;

export function stageTimes({ work, chunkMs, nChunks, denseMs, searchMs }: TimedRun): StageTimes {
  const ofChunks = (name: StageName, chunks: number) =>
    chunkMs === null ? [] : [{ name, ms: chunks * chunkMs }];
  return [
    ...ofChunks('calibrate', nChunks),
    { name: 'choose', ms: work.choose },
    ...(searchMs > 0 ? [{ name: 'search' as const, ms: searchMs }] : []),
    { name: 'repair', ms: work.repair },
    { name: 'write', ms: denseMs + work.quantise },
    ...ofChunks('judge', CHUNKS_OF_JUDGING),
  ];
}

/** Calls `tell` when the first chunk of a calibration is done, with what it took and how many are left. */
export class FirstChunkTimer {
  readonly #tell: (chunkMs: number | null, nChunks: number) => void;
  #begunMs: number | null = null;
  #isTold = false;

  constructor(tell: (chunkMs: number | null, nChunks: number) => void) {
    this.#tell = tell;
  }

  /** `done` of `of` chunks are computed. */
  at({ done, of }: { done: number; of: number }): void {
    this.#begunMs ??= performance.now();
    if (done === 0 || this.#isTold) return;
    this.#isTold = true;
    this.#tell((performance.now() - this.#begunMs) / done, of - done);
  }

  /** A calibration is there. */
  without(): void {
    this.#tell(null, 0);
  }
}

/** Of the layer that is timed, which has as many outputs: with fewer, calls would count, not arithmetic. */
const MOST_INPUTS = 1024;
const STEP = 32;

function workOf(nCols: number, nRows: number): number {
  return nCols * nCols * (nCols + nRows);
}

async function timeLayer(n: number, multiply: Multiply): Promise<[number, number]> {
  const [weight, moments] = [noise(n, n), independent(n)];
  const begun = performance.now();
  const cut = { groupSize: 1, step: STEP, least: 1, ridge: 0.1 };
  await removalCurve(weight, moments, { ...cut, multiply });
  const chosen = performance.now();
  const input = { moments, mean: moments.mean, heldOut: noise(n, n) };
  const kept = range(0, Math.ceil((3 * n) / 4));
  await repairLinear(weight, input, { kept, mode: 'least-squares', multiply });
  return [chosen - begun, performance.now() - chosen];
}

function independent(n: number): InputMoments {
  const correlation = zeros(n, n);
  for (let i = 0; i < n; i++) correlation.data[i * n + i] = 1;
  return { mean: new Float32Array(n), scale: new Float32Array(n).fill(1), correlation };
}

function noise(nRows: number, nCols: number): Matrix {
  const data = Float32Array.from({ length: nRows * nCols }, () => Math.random() - 0.5);
  return { nRows, nCols, data };
}

/** Rows of a tensor that are quantised to know how long all of it takes. */
const ROWS = 64;

/** By the type that most weights have, on all cores. */
function timeQuantising({ tensors }: QuantisePlan): number {
  const weights = (all: typeof tensors) => all.reduce((sum, t) => sum + t.nRows * t.nCols, 0);
  const quantised = tensors.filter(({ type }) => isQuantised(type));
  const largest = quantised.sort((a, b) => b.nRows * b.nCols - a.nRows * a.nCols)[0];
  if (!largest) return 0;
  const { type, nCols } = largest;
  const rows = noise(ROWS, nCols);
  const bytes = new Uint8Array(ROWS * rowSizeBytes(type, nCols));
  const begun = performance.now();
  loadKernels().toType(type, rows.data, bytes, ROWS, nCols, new Float32Array(nCols).fill(1));
  const msPerWeight = (performance.now() - begun) / (ROWS * nCols);
  return (msPerWeight * weights(quantised)) / os.availableParallelism();
}
