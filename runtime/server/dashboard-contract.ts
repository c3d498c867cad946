// What the dashboard asks for and what it is answered, as types.
// Rows are named as in SQL, so that the page, `hearth log --json` and sqlite3 speak of one thing.
// Imports only types, so that the page's bundle can take it as it is.

import type { SummaryBy } from '../log/queries-sql.js';
import type {
  AnswerRow,
  ErrorRow,
  SampleSeriesRow,
  SeriesRow,
  SummaryRow,
} from '../log/read-rows.js';

/**
 * Every answer is JSON over GET, with the key in `Authorization: Bearer KEY` where one is set.
 * `since` is an age or a UTC date (`24h`, `7d`, `2026-11-01`), default `7d`. `model` is a name that
 * `summary?by=model` lists, default all. Failures have OpenAI's shape: 400 a query that cannot be
 * read, 401 no key, 404 code `no_log` where the server runs with --no-log, 503 code `log_unreadable`.
 */
export type DashboardApi = {
  '/api/dashboard/status': { query: Record<string, never>; answer: DashboardStatus };
  /** Percentiles and peaks of the time since, in groups that sort by their name. */
  '/api/dashboard/summary': {
    query: RangeQuery & { by?: SummaryBy };
    answer: { since: string; by: SummaryBy; rows: SummaryRow[] };
  };
  /** Answers in buckets of time, oldest first; empty buckets are left out. */
  '/api/dashboard/series': {
    query: SeriesQuery;
    answer: { since: string; bucket_s: number; rows: SeriesRow[] };
  };
  /** Memory and temperature, also while nobody asks, in buckets of time, oldest first. */
  '/api/dashboard/samples': {
    query: SeriesQuery;
    answer: { since: string; bucket_s: number; rows: SampleSeriesRow[] };
  };
  /** What failed, by code, the most frequent first. */
  '/api/dashboard/errors': {
    query: RangeQuery;
    answer: { since: string; rows: ErrorRow[] };
  };
  /** The latest answers, newest first; `failed=true` for only those with an error. */
  '/api/dashboard/answers': {
    /** `limit` 1 to 1000, default 50. `before` an id: only answers that came before that one. */
    query: RangeQuery & { limit?: string; failed?: 'true' | 'false'; before?: string };
    answer: { since: string; rows: AnswerRow[] };
  };
};

export type RangeQuery = { since?: string; model?: string };

/** `points`: about how many buckets the time since is cut into, 1 to 1000, default 120. */
export type SeriesQuery = RangeQuery & { points?: string };

export type DashboardStatus = {
  /** Of hearth, such as `0.1.0`. */
  version: string;
  engine: {
    /** Of the model below. */
    state: 'loading' | 'ready' | 'restarting' | 'failed' | 'closed' | 'unloaded';
    /** 0 to 1 while loading, else null. */
    progress: number | null;
    /** Why it restarts or failed, in words; null otherwise. */
    failure: string | null;
    restarts: number;
    /** Memory of the engines' processes now, bytes; null where none runs. */
    rss_bytes: number | null;
    /** GPU memory in use now, bytes; null where the backend cannot tell. */
    device_used_bytes: number | null;
  };
  models: { name: string; is_loaded: boolean; is_pinned: boolean }[];
  /** The one that was used last; null until it is loaded. */
  model: {
    name: string;
    /** `cpu`, `cuda`, `vulkan` or `metal` */
    backend: string;
    /** `["NVIDIA GeForce RTX 3060"]`; empty on the CPU */
    device_names: string[];
    /** Tokens that the context of one sequence holds: 4096. */
    n_ctx: number;
    parallel: number;
    weights_bytes: number;
    kv_bytes: number;
    compute_bytes: number;
  } | null;
  slots: {
    id: number;
    is_busy: boolean;
    /** Tokens in its KV cache, of so many. */
    context_used: number;
    n_ctx: number;
  }[];
  log: {
    path: string;
    /** Rows that wait to be written or were given up; 0 is well. */
    unwritten_rows: number;
    /** Why rows wait: `the log … is on a full disk`; null while writing works. */
    last_error: string | null;
  } | null;
};
