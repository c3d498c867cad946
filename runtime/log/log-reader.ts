// The reading side of the log: the latest answers, their percentiles, and how they go over time.
// `hearth log` and the dashboard ask here; the connection is read-only, so no query can do harm.
// `where` and `query` take SQL from the person at the terminal: never pass on what came over HTTP.
import path from 'node:path';
import type { Database, Statement } from 'better-sqlite3';
import type { SqlValue } from './columns.js';
import { openForReading } from './database.js';
import { LogQueryError } from './log-error.js';
import { defaultLogPath } from './log-path.js';
import { MEASUREMENT_FIELDS, type MeasurementRow } from './measurement-fields.js';
import {
  answersSql,
  ERRORS_SQL,
  SAMPLES_SQL,
  SERIES_SQL,
  type SummaryBy,
  summarySql,
} from './queries-sql.js';
import type { AnswerRow, ErrorRow, SampleSeriesRow, SeriesRow, SummaryRow } from './read-rows.js';

/** Which answers. Times are UTC in ISO 8601, as {@link parseSince} makes them. */
export type AnswerFilter = {
  since?: string;
  model?: string;
  /** An SQL condition over the columns of the view `answers`. */
  where?: string;
};

export type SeriesOptions = { since?: string; model?: string; bucketMs: number };

/** A row of any query. */
export type QueryRow = Record<string, SqlValue | Buffer>;

export const DEFAULT_LIMIT = 20;

/** Opens an existing log for reading. Throws {@link LogError} where there is none. */
export function openLogReader({ path: file = defaultLogPath() } = {}): LogReader {
  return new LogReader(path.resolve(file));
}

const SCHEMA_HINT = `hearth log --sql "SELECT sql FROM sqlite_schema WHERE name = 'answers'" --csv`;

/** Every function throws LogQueryError for a condition or a query that SQLite refuses. */
export class LogReader {
  readonly path: string;
  readonly #db: Database;

  constructor(file: string) {
    this.path = file;
    this.#db = openForReading(file);
  }

  /** Newest first; of those before the answer with the id `before` where one is given. */
  latest({
    limit = DEFAULT_LIMIT,
    before = Number.MAX_SAFE_INTEGER,
    ...filter
  }: AnswerFilter & { limit?: number; before?: number } = {}) {
    const sql = `${answersSql(filter.where)} AND id < @before ORDER BY id DESC LIMIT @limit`;
    return this.#all<AnswerRow>(sql, { ...range(filter), after: 0, before, limit });
  }

  /** Answers after the one with this id, oldest first. */
  after(id: number, { limit = -1, ...filter }: AnswerFilter & { limit?: number } = {}) {
    const sql = `${answersSql(filter.where)} ORDER BY id LIMIT @limit`;
    return this.#all<AnswerRow>(sql, { ...range(filter), after: id, limit });
  }

  /** The id of the newest request; 0 where there is none. */
  lastId(): number {
    return this.#db.prepare('SELECT coalesce(max(id), 0) FROM request').pluck().get() as number;
  }

  /** Percentiles and peaks, in groups that sort by their name. */
  summary({ by = 'all', where, ...filter }: AnswerFilter & { by?: SummaryBy } = {}) {
    return this.#all<SummaryRow>(summarySql(by, where), { ...range(filter), after: 0 });
  }

  /** Answers in buckets of time, oldest first; empty buckets are left out. */
  series(options: SeriesOptions) {
    return this.#all<SeriesRow>(SERIES_SQL, buckets(options));
  }

  /** Samples of memory and temperature in buckets of time, oldest first. */
  samples(options: SeriesOptions) {
    return this.#all<SampleSeriesRow>(SAMPLES_SQL, buckets(options));
  }

  /** What failed, by code, the most frequent first. */
  errors(filter: { since?: string; model?: string } = {}) {
    return this.#all<ErrorRow>(ERRORS_SQL, range(filter));
  }

  /** What was measured here or imported, oldest first. */
  measurements({ since = '' }: { since?: string } = {}) {
    const sql = `SELECT ${Object.keys(MEASUREMENT_FIELDS).join(', ')} FROM measurement
      WHERE test_time >= @since ORDER BY test_time, id`;
    return this.#all<MeasurementRow & { samples_ns: unknown }>(sql, { since }).map((row) => ({
      ...row,
      samples_ns: JSON.parse(String(row.samples_ns)) as number[],
    }));
  }

  query(sql: string) {
    const statement = this.#prepare(sql);
    if (!statement.reader || !statement.readonly)
      throw new LogQueryError('only a SELECT may be run: the log is read, never changed');
    return this.#run(() => statement.all()) as QueryRow[];
  }

  /** Changes when another connection has written. */
  version(): number {
    return this.#db.pragma('data_version', { simple: true }) as number;
  }

  close(): void {
    this.#db.close();
  }

  #all<Row>(sql: string, parameters: Record<string, SqlValue>): Row[] {
    const statement = this.#prepare(sql);
    return this.#run(() => statement.all(parameters)) as Row[];
  }

  #prepare(sql: string): Statement {
    return this.#run(() => this.#db.prepare(sql));
  }

  #run<T>(ask: () => T): T {
    try {
      return ask();
    } catch (error) {
      throw toQueryError(error);
    }
  }
}

/** The parameters of a filter: everything where it says nothing. */
function range({ since = '', model }: AnswerFilter) {
  return { since, model: model ?? null };
}

function buckets({ bucketMs, ...filter }: SeriesOptions) {
  return { ...range(filter), bucketS: Math.max(1, Math.round(bucketMs / 1000)) };
}

/** better-sqlite3 throws RangeError for several statements and for parameters without a value. */
function toQueryError(error: unknown): unknown {
  if (error instanceof RangeError) return new LogQueryError(error.message);
  if (!(error instanceof Error) || !/^SQLITE_ERROR/.test(String(Reflect.get(error, 'code'))))
    return error;
  const hint = error.message.startsWith('no such column') ? `; see ${SCHEMA_HINT}` : '';
  return new LogQueryError(error.message + hint);
}
