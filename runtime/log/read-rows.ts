// What the log answers with: rows named as in SQL, so that the JSON of `hearth log` and of the dashboard is
// what sqlite3 shows. Only types and nothing of Node's, as the page in the browser reads them, too.

/** null where nothing was measured: no GPU, or all answers failed. */
export type MaybeNumber = number | null;

/** A row of the view `answers`, whose SQL says what each column is: those that hearth shows. */
export type AnswerRow = {
  id: number;
  /** Arrival, UTC: `2026-11-24T09:30:00.000Z`. */
  started_at: string;
  /** `/v1/chat/completions`, or `chat` for the terminal. */
  endpoint: string;
  model: string;
  model_id: string;
  model_type: string | null;
  device: string;
  prompt_tokens: MaybeNumber;
  /** The part of the prompt that was in the KV cache. */
  cached_tokens: MaybeNumber;
  generated_tokens: MaybeNumber;
  queue_ms: MaybeNumber;
  ttft_ms: MaybeNumber;
  total_ms: MaybeNumber;
  tokens_per_second: MaybeNumber;
  /** `eos`, `stop`, `length`, `abort`, `deadline`, `context`; null when it failed. */
  stop_reason: string | null;
  /** `HEARTH_…`; null when it did not fail. */
  error_code: string | null;
  error_message: string | null;
  dropped_turns: number;
  context_used: MaybeNumber;
  n_ctx: MaybeNumber;
  peak_rss_bytes: MaybeNumber;
  device_peak_bytes: MaybeNumber;
};

/** `{"name":"2026-11-24","answers":210,"errors":3,"ttft_p50_ms":84.2,"tokens_per_second_p50":41.7,…}` */
export type SummaryRow = {
  /** The model, device or day (`2026-11-24`, where the server is); `all` without groups. */
  name: string;
  /** Failed ones included. */
  answers: number;
  errors: number;
  prompt_tokens: MaybeNumber;
  generated_tokens: MaybeNumber;
  ttft_p50_ms: MaybeNumber;
  ttft_p95_ms: MaybeNumber;
  ttft_p99_ms: MaybeNumber;
  /** The slowest 5 % are slower than this. */
  tokens_per_second_p5: MaybeNumber;
  tokens_per_second_p50: MaybeNumber;
  tokens_per_second_p95: MaybeNumber;
  tokens_per_second_p99: MaybeNumber;
  peak_rss_bytes: MaybeNumber;
  device_peak_bytes: MaybeNumber;
  /** Turns cut because the context was full. */
  dropped_turns: number;
};

/** `{"started_at":"2026-11-24T09:30:00Z","answers":12,"errors":0,"ttft_p50_ms":84.2,…,"context_fill":0.31}` */
export type SeriesRow = {
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

/** `{"taken_at":"2026-11-24T09:30:00Z","rss_bytes":712345600,"cpu_temperature_c":51.5,…}` */
export type SampleSeriesRow = {
  taken_at: string;
  /** Highest of the bucket. */
  rss_bytes: MaybeNumber;
  /** Lowest of the bucket: memory that the machine has left. */
  available_bytes: MaybeNumber;
  device_used_bytes: MaybeNumber;
  cpu_temperature_c: MaybeNumber;
  device_temperature_c: MaybeNumber;
};

/** `{"error_code":"HEARTH_ENGINE_DIED","answers":2,"last_at":"2026-11-24T09:30:00.000Z","last_message":"…"}` */
export type ErrorRow = {
  error_code: string;
  answers: number;
  last_at: string;
  /** What the caller was told the last time. */
  last_message: string | null;
};
