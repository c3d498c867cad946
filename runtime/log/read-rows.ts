// What the log answers with: rows named as in SQL, so that the JSON of `hearth log` and of the
// dashboard is what sqlite3 shows. Values are null where nothing was measured.
// The view `answers` documents its own columns; sums over it are in summary-rows.ts.
import type { SqlValue } from './columns.js';
import type { MaybeNumber } from './summary-rows.js';

/** A row of any query. */
export type QueryRow = Record<string, SqlValue | Buffer>;

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
