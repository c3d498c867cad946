// Which part of a row goes into which column: one table of columns for each table of the log.
// Statements are made from these, so that a column is named once here and once in the schema.
import type { EngineOptions } from '../engine/engine.js';
import { MEASUREMENT_FIELDS, type MeasurementRow } from './measurement-fields.js';
import type { MachineRow, ModelRow, RequestRow, RunEnd, RunRow, SampleRow } from './rows.js';

export type SqlValue = string | number | null;
export type Columns<Row> = Record<string, (row: Row) => SqlValue>;

/** Named one by one: whatever else a caller's options hold, an API key say, stays out of the log. */
const SETTINGS = Object.keys({
  modelPath: true,
  gpu: true,
  gpuLayers: true,
  nCtx: true,
  kvType: true,
  parallel: true,
  threads: true,
  flashAttention: true,
  mmap: true,
  chatTemplate: true,
  thinking: true,
  draftPath: true,
  alwaysDraft: true,
  directIo: true,
  maxQueue: true,
} satisfies Record<keyof EngineOptions, true>);

export const MACHINE_COLUMNS: Columns<MachineRow> = {
  cpu: (row) => row.cpu,
  cpu_cores: (row) => whole(row.cpuCores),
  memory_bytes: (row) => whole(row.memoryBytes),
  gpus: (row) =>
    json(row.gpus.map(({ name, memoryBytes }) => ({ name, memory_bytes: memoryBytes }))),
  driver: (row) => row.driver,
  os: (row) => row.os,
};

export const MODEL_COLUMNS: Columns<ModelRow> = {
  sha256: (row) => row.sha256,
  path: (row) => row.path,
  modified_at: (row) => isoTime(row.modifiedAtMs),
  size_bytes: (row) => whole(row.sizeBytes),
  name: (row) => row.shape.name,
  arch: (row) => row.shape.arch,
  n_params: (row) => whole(row.shape.nParams),
  n_layer: (row) => whole(row.shape.nLayer),
  n_embd: (row) => whole(row.shape.nEmbd),
  n_vocab: (row) => whole(row.shape.nVocab),
  n_head: (row) => json(row.shape.nHead),
  n_head_kv: (row) => json(row.shape.nHeadKv),
  n_ff: (row) => json(row.shape.nFf),
  types: (row) => json(row.types),
  provenance: (row) => json(row.provenance),
};

export const RUN_COLUMNS: Columns<RunRow> = {
  machine_id: (row) => row.machineId,
  model_id: (row) => row.modelId,
  started_at: (row) => isoTime(row.startedAtMs),
  hearth_version: (row) => row.hearthVersion,
  settings: (row) => JSON.stringify(row.settings, SETTINGS),
  backend: (row) => row.info?.backend ?? null,
  gpus: (row) => row.info?.deviceNames.join(' + ') || null,
  gpu_layers: (row) => whole(row.info?.gpuLayers),
  kv_type: (row) => row.info?.kvType ?? null,
  n_ctx: (row) => whole(row.info?.nCtx),
  parallel: (row) => whole(row.info?.parallel),
  threads: (row) => whole(row.info?.threads),
  flash_attention: (row) => flag(row.info?.flashAttention),
  mmap: (row) => flag(row.info?.mmap),
  llama_cpp_release: (row) => row.info?.llamaCppRelease ?? null,
  load_ms: (row) => real(row.info?.loadMs),
  predicted_weights_bytes: (row) => whole(row.info?.predicted?.weightsBytes),
  predicted_kv_bytes: (row) => whole(row.info?.predicted?.kvBytes),
  predicted_compute_bytes: (row) => whole(row.info?.predicted?.computeBytes),
  predicted_total_bytes: (row) => whole(row.info?.predicted?.totalBytes),
  weights_bytes: (row) => whole(row.info?.weightsBytes),
  kv_bytes: (row) => whole(row.info?.kvBytes),
  compute_bytes: (row) => whole(row.info?.computeBytes),
  total_bytes: (row) => whole(row.measuredTotalBytes),
};

export const RUN_END_COLUMNS: Columns<RunEnd> = {
  ended_at: (row) => isoTime(row.endedAtMs),
  end_reason: (row) => row.reason,
  error_code: (row) => row.error?.code ?? null,
  error_message: (row) => row.error?.message ?? null,
};

export const REQUEST_COLUMNS: Columns<RequestRow> = {
  run_id: (row) => row.runId,
  started_at: (row) => isoTime(row.startedAtMs),
  endpoint: (row) => row.endpoint,
  is_probe: (row) => flag(row.isProbe ?? false),
  prompt_tokens: (row) => whole(row.timings?.promptTokens),
  cached_tokens: (row) => whole(row.timings?.cachedTokens),
  generated_tokens: (row) => whole(row.timings?.generatedTokens),
  draft_tokens: (row) => whole(row.timings?.draft?.tokens),
  draft_accepted_tokens: (row) => whole(row.timings?.draft?.acceptedTokens),
  draft_gain: (row) => real(row.timings?.draft?.gain),
  queue_ms: (row) => real(row.timings?.queueMs),
  ttft_ms: (row) => real(row.timings?.ttftMs),
  prompt_ms: (row) => real(row.timings?.promptMs),
  generation_ms: (row) => real(row.timings?.generationMs),
  total_ms: (row) => real(row.timings?.totalMs),
  inter_token_p50_ms: (row) => real(row.timings?.interTokenP50Ms),
  inter_token_p95_ms: (row) => real(row.timings?.interTokenP95Ms),
  inter_token_max_ms: (row) => real(row.timings?.interTokenMaxMs),
  stop_reason: (row) => row.stopReason ?? null,
  error_code: (row) => row.error?.code ?? null,
  error_message: (row) => row.error?.message ?? null,
  dropped_turns: (row) => whole(row.droppedTurns) ?? 0,
  dropped_tokens: (row) => whole(row.droppedTokens) ?? 0,
  context_used: (row) => whole(row.memory?.contextUsed),
  rss_bytes: (row) => whole(row.memory?.rssBytes),
  peak_rss_bytes: (row) => whole(row.memory?.peakRssBytes),
  device_before_bytes: (row) => whole(row.memory?.deviceBeforeBytes),
  device_peak_bytes: (row) => whole(row.memory?.devicePeakBytes),
  device_after_bytes: (row) => whole(row.memory?.deviceAfterBytes),
  prompt: (row) => row.prompt ?? null,
  answer: (row) => row.answer ?? null,
};

export const SAMPLE_COLUMNS: Columns<SampleRow> = {
  run_id: (row) => row.runId,
  taken_at: (row) => isoTime(row.takenAtMs),
  rss_bytes: (row) => whole(row.rssBytes),
  available_bytes: (row) => whole(row.availableBytes),
  device_used_bytes: (row) => whole(row.deviceUsedBytes),
  cpu_temperature_c: (row) => real(row.cpuTemperatureC),
  device_temperature_c: (row) => real(row.deviceTemperatureC),
};

/** Names and values are the row's own; lists are JSON. */
export const MEASUREMENT_COLUMNS = Object.fromEntries(
  Object.keys(MEASUREMENT_FIELDS).map((name) => [
    name,
    (row: MeasurementRow) => {
      const value = row[name as keyof MeasurementRow];
      return Array.isArray(value) ? JSON.stringify(value) : value;
    },
  ]),
) satisfies Columns<MeasurementRow>;

/** Unix time in ms as `2026-11-24T09:30:00.000Z`, which sorts as text and which SQLite's dates read. */
export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** INTEGER columns of STRICT tables take no fraction. */
function whole(value: number | null | undefined): number | null {
  return Number.isFinite(value) ? Math.round(value as number) : null;
}

function real(value: number | null | undefined): number | null {
  return Number.isFinite(value) ? (value as number) : null;
}

function flag(value: boolean | undefined): number | null {
  return value === undefined ? null : Number(value);
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
