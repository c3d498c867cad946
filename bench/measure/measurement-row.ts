// The row of one point: what was measured, on what, and what had been predicted for it; named as
// llama-bench names it where it does.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { MemoryBreakdown } from '../../llama/memory-breakdown.js';
import { N_BATCH, N_UBATCH } from '../../llama/model-settings.js';
import type { EngineInfo } from '../../runtime/engine/engine.js';
import type { MeasurementRow } from '../../runtime/log/measurement-fields.js';
import type { MachineRow, ModelRow } from '../../runtime/log/rows.js';
import { hearthVersion } from '../../terminal/version.js';
import { median } from '../median.js';
import { contextOf, type MeasuredPoint, pointName } from './points.js';
import type { PredictedColumns } from './predictions.js';
import type { TimedAnswer } from './repeated-answers.js';
import type { SpeedMemory } from './speed-protocol.js';

/** What all rows of a run share. */
export type MeasuredSetting = {
  machine: MachineRow;
  model: ModelRow;
  device: string | null;
  budgetBytes: number | null;
  budgetBy: string | null;
  /** Of the GPU's memory in use, what is not the model's. */
  ballastBytes: number;
  info: EngineInfo;
};

export type SpeedSamples = {
  point: MeasuredPoint;
  samplesNs: number[];
  memory: SpeedMemory;
  predicted: PredictedColumns;
  /** That computed the last sample. */
  threads: number;
  /** llama.cpp's words for the model. */
  modelType: string;
};

const BACKENDS = { cpu: 'CPU', cuda: 'CUDA', vulkan: 'Vulkan', metal: 'Metal' } as const;

export function speedRow(setting: MeasuredSetting, speed: SpeedSamples): MeasurementRow {
  const { point, samplesNs, memory } = speed;
  return {
    ...sharedColumns(setting),
    model_type: speed.modelType,
    n_threads: speed.threads,
    n_ctx: contextOf(point),
    n_prompt: point.nPrompt,
    n_gen: point.nGen,
    n_depth: point.nDepth,
    test: pointName(point),
    ...spreadOf(samplesNs, point.nPrompt + point.nGen),
    ...accountedColumns(memory.breakdown),
    ...speed.predicted,
    rss_bytes: memory.rssBytes,
    peak_rss_bytes: memory.peakRssBytes,
    device_bytes: withoutBallast(memory.deviceBytes, setting),
    device_peak_bytes: withoutBallast(memory.deviceBytes, setting),
  };
}

/** Of GPU and system together. */
function accountedColumns(breakdown: MemoryBreakdown | null) {
  if (breakdown === null) return {};
  const { host, device } = breakdown;
  return {
    weights_bytes: host.weightsBytes + device.weightsBytes,
    kv_bytes: host.kvBytes + device.kvBytes,
    compute_bytes: host.computeBytes + device.computeBytes,
  };
}

/** Of at least one answer. */
export function answerRow(
  setting: MeasuredSetting,
  answers: readonly TimedAnswer[],
  predicted: PredictedColumns,
): MeasurementRow {
  const { info } = setting;
  const [{ timings, memory }] = answers as [TimedAnswer, ...TimedAnswer[]];
  const peaks = (read: (answer: TimedAnswer) => number | null) =>
    Math.max(...answers.map((answer) => read(answer) ?? 0));
  const devicePeak =
    memory.devicePeakBytes === null ? null : peaks((a) => a.memory.devicePeakBytes);
  return {
    ...sharedColumns(setting),
    n_ctx: info.nCtx,
    n_prompt: timings.promptTokens,
    n_gen: timings.generatedTokens,
    test: `answer${timings.generatedTokens}`,
    ...spreadOf(
      answers.map((answer) => Math.round(answer.timings.totalMs * 1e6)),
      timings.generatedTokens,
    ),
    ...predicted,
    ttft_ms: median(answers.map((answer) => answer.timings.ttftMs)),
    weights_bytes: info.weightsBytes,
    kv_bytes: info.kvBytes,
    compute_bytes: info.computeBytes,
    rss_bytes: peaks((answer) => answer.memory.rssBytes),
    peak_rss_bytes: peaks((answer) => answer.memory.peakRssBytes),
    device_bytes: withoutBallast(memory.deviceAfterBytes, setting),
    device_peak_bytes: withoutBallast(devicePeak, setting),
  };
}

/** Null where the model is on the CPU, whatever else a GPU holds. */
function withoutBallast(
  bytes: number | null,
  { ballastBytes, info }: Pick<MeasuredSetting, 'ballastBytes' | 'info'>,
): number | null {
  return bytes === null || info.backend === 'cpu' ? null : bytes - ballastBytes;
}

/** Null and 0 are what a row of its kind fills in or leaves so. */
function sharedColumns({ machine, model, info, ...setting }: MeasuredSetting) {
  const kvType = info.kvType.toLowerCase();
  return {
    uid: randomUUID(),
    hearth_version: hearthVersion(),
    build_commit: info.llamaCppRelease,
    cpu_info: machine.cpu,
    cpu_cores: machine.cpuCores,
    memory_bytes: machine.memoryBytes,
    gpu_info: info.backend === 'cpu' ? '' : info.deviceNames.join(', '),
    driver: machine.driver,
    os: machine.os,
    device: setting.device,
    budget_bytes: setting.budgetBytes,
    budget_by: setting.budgetBy,
    backends: BACKENDS[info.backend],
    model_filename: path.basename(model.path),
    model_sha256: model.sha256,
    model_name: model.shape.name,
    model_type: model.shape.arch,
    model_size: model.sizeBytes,
    model_n_params: model.shape.nParams,
    n_batch: N_BATCH,
    n_ubatch: N_UBATCH,
    n_threads: info.threads,
    type_k: kvType,
    type_v: kvType,
    n_gpu_layers: info.gpuLayers,
    flash_attn: Number(info.flashAttention),
    load_mode: info.mmap ? 'mmap' : 'none',
    n_depth: 0,
    test_time: new Date().toISOString(),
    ttft_ms: null,
    weights_bytes: null,
    kv_bytes: null,
    compute_bytes: null,
  };
}

type Spread = Pick<
  MeasurementRow,
  'avg_ns' | 'stddev_ns' | 'avg_ts' | 'stddev_ts' | 'median_ts' | 'min_ts' | 'max_ts' | 'samples_ns'
>;

/**
 * Of at least one sample; `nTokens` is what each took its time for. Average and deviation as llama-bench
 * computes them, median and range beside them, as one slow repeat on a busy machine moves no median.
 */
export function spreadOf(samplesNs: readonly number[], nTokens: number): Spread {
  const rates = samplesNs.map((ns) => (nTokens * 1e9) / ns);
  return {
    avg_ns: Math.round(average(samplesNs)),
    stddev_ns: Math.round(deviation(samplesNs)),
    avg_ts: average(rates),
    stddev_ts: deviation(rates),
    median_ts: median(rates),
    min_ts: Math.min(...rates),
    max_ts: Math.max(...rates),
    samples_ns: [...samplesNs],
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample, not of a population; 0 of one. */
function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = average(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
