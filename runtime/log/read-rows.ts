// What the log answers with: rows named as in SQL, so that the JSON of `hearth log` and of the
// dashboard is what sqlite3 shows. Values are null where nothing was measured.
// The view `answers` documents its own columns.
import type { SqlValue } from './columns.js';

/** A row of any query. */
export type QueryRow = Record<string, SqlValue | Buffer>;

type MaybeNumber = number | null;

/** A row of the view `answers`; every column is there, these are the ones that hearth shows. */
export type AnswerRow = QueryRow & {
  id: number;
  started_at: string;
  endpoint: string;
  model: string;
  device: string;
  prompt_tokens: MaybeNumber;
  cached_tokens: MaybeNumber;
  generated_tokens: MaybeNumber;
  ttft_ms: MaybeNumber;
  queue_ms: MaybeNumber;
  total_ms: MaybeNumber;
  tokens_per_second: MaybeNumber;
  stop_reason: string | null;
  error_code: string | null;
  error_message: string | null;
  dropped_turns: number;
  context_used: MaybeNumber;
  n_ctx: MaybeNumber;
  peak_rss_bytes: MaybeNumber;
  device_peak_bytes: MaybeNumber;
};

export type SummaryRow = {
  /** The model, device or day; `all` without groups. */
  name: string;
  answers: number;
  errors: number;
  prompt_tokens: MaybeNumber;
  generated_tokens: MaybeNumber;
  ttft_p50_ms: MaybeNumber;
  ttft_p95_ms: MaybeNumber;
  ttft_p99_ms: MaybeNumber;
  tokens_per_second_p5: MaybeNumber;
  tokens_per_second_p50: MaybeNumber;
  tokens_per_second_p95: MaybeNumber;
  tokens_per_second_p99: MaybeNumber;
  peak_rss_bytes: MaybeNumber;
  device_peak_bytes: MaybeNumber;
  dropped_turns: number;
};

export type SeriesRow = {
  /** Start of the bucket. */
  started_at: string;
  answers: number;
  errors: number;
  ttft_p50_ms: MaybeNumber;
  ttft_p95_ms: MaybeNumber;
  tokens_per_second_p50: MaybeNumber;
  peak_rss_bytes: MaybeNumber;
  device_peak_bytes: MaybeNumber;
  /** Greatest part of the context in use, 0 to 1. */
  context_fill: MaybeNumber;
  dropped_turns: number;
};

export type SampleSeriesRow = {
  /** Start of the bucket. */
  taken_at: string;
  rss_bytes: MaybeNumber;
  available_bytes: MaybeNumber;
  device_used_bytes: MaybeNumber;
  cpu_temperature_c: MaybeNumber;
  device_temperature_c: MaybeNumber;
};

export type ErrorRow = {
  error_code: string;
  answers: number;
  last_at: string;
  last_message: string | null;
};
