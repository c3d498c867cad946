// The questions that hearth itself asks the log, as SQL over the view `answers`.
// percentile() is SQLite's own aggregate, which better-sqlite3 is built with; failed answers have
// nulls and drop out of it. Conditions are the caller's text; numbers, times and names are parameters.

/** The file and its type: files of one model in several types are several to choose from. */
const MODEL = "model_id || coalesce(' (' || model_type || ')', '')";

export const SUMMARY_GROUPS = {
  all: "'all'",
  model: MODEL,
  device: 'device',
  day: 'day',
} as const;
export type SummaryBy = keyof typeof SUMMARY_GROUPS;

/** Who asks while the model loads is told to come again: no answer failed. */
const NOT_READY = 'HEARTH_NOT_READY';

/** Parameters: `since`; `model` as a summary by model names it, null for all. */
const IN_RANGE = `started_at >= @since AND (@model IS NULL OR ${MODEL} = @model) AND error_code IS NOT '${NOT_READY}'`;

/** Parameters: `since`, `model`, `after` (an id). */
export function answersSql(where?: string): string {
  return `SELECT * FROM answers WHERE ${conditions(where)}`;
}

/** Parameters: `since`, `model`, `after` (an id). */
export function summarySql(by: SummaryBy, where?: string): string {
  const group = SUMMARY_GROUPS[by];
  return `
    SELECT
      ${group} AS name,
      count(*) AS answers,
      count(error_code) AS errors,
      sum(prompt_tokens) AS prompt_tokens,
      sum(generated_tokens) AS generated_tokens,
      percentile(ttft_ms, 50) AS ttft_p50_ms,
      percentile(ttft_ms, 95) AS ttft_p95_ms,
      percentile(ttft_ms, 99) AS ttft_p99_ms,
      percentile(tokens_per_second, 5) AS tokens_per_second_p5,
      percentile(tokens_per_second, 50) AS tokens_per_second_p50,
      percentile(tokens_per_second, 95) AS tokens_per_second_p95,
      percentile(tokens_per_second, 99) AS tokens_per_second_p99,
      max(peak_rss_bytes) AS peak_rss_bytes,
      max(device_peak_bytes) AS device_peak_bytes,
      sum(dropped_turns) AS dropped_turns
    FROM answers WHERE ${conditions(where)}
    GROUP BY 1 ORDER BY 1`;
}

/** Parameters: `since`, `model`, `bucketS`. */
export const SERIES_SQL = `
  SELECT
    ${bucketStart('started_at')} AS started_at,
    count(*) AS answers,
    count(error_code) AS errors,
    percentile(ttft_ms, 50) AS ttft_p50_ms,
    percentile(ttft_ms, 95) AS ttft_p95_ms,
    percentile(tokens_per_second, 50) AS tokens_per_second_p50,
    max(peak_rss_bytes) AS peak_rss_bytes,
    max(device_peak_bytes) AS device_peak_bytes,
    max(1.0 * context_used / n_ctx) AS context_fill,
    sum(dropped_turns) AS dropped_turns
  FROM answers WHERE ${IN_RANGE}
  GROUP BY 1 ORDER BY 1`;

/** Samples of the runs of the model. Parameters: `since`, `model`, `bucketS`. */
export const SAMPLES_SQL = `
  SELECT
    ${bucketStart('taken_at')} AS taken_at,
    max(rss_bytes) AS rss_bytes,
    min(available_bytes) AS available_bytes,
    max(device_used_bytes) AS device_used_bytes,
    max(cpu_temperature_c) AS cpu_temperature_c,
    max(device_temperature_c) AS device_temperature_c
  FROM sample WHERE taken_at >= @since AND (@model IS NULL OR run_id IN (
    SELECT run_id FROM answers WHERE ${MODEL} = @model
  ))
  GROUP BY 1 ORDER BY 1`;

/**
 * The message beside max() is that of its row, which SQLite promises for one max() or min().
 * Parameters: `since`, `model`.
 */
export const ERRORS_SQL = `
  SELECT
    error_code,
    count(*) AS answers,
    max(started_at) AS last_at,
    error_message AS last_message
  FROM answers WHERE ${IN_RANGE} AND error_code IS NOT NULL
  GROUP BY error_code ORDER BY answers DESC, error_code`;

/** The line break ends a comment in `where`, which would swallow the bracket. */
function conditions(where?: string): string {
  return `${IN_RANGE} AND id > @after${where ? ` AND (${where}\n)` : ''}`;
}

/** Numbers are bound as REAL, and only integers divide to whole buckets. */
function bucketStart(column: string): string {
  const bucketS = 'CAST(@bucketS AS INTEGER)';
  const start = `CAST(strftime('%s', ${column}) AS INTEGER) / ${bucketS} * ${bucketS}`;
  return `strftime('%Y-%m-%dT%H:%M:%SZ', ${start}, 'unixepoch')`;
}
