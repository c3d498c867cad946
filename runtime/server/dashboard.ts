// The dashboard's data, read from the log; dashboard-contract.ts says what each answer holds.
// Nothing of a query reaches SQL but numbers, a time that was parsed and names from a list.
// The log's reader is opened at the first question and stays open: SQLite sees new rows by itself.
import type { FastifyInstance } from 'fastify';
import type { LogReader, SeriesOptions } from '../log/log-reader.js';
import { SUMMARY_GROUPS, type SummaryBy } from '../log/queries-sql.js';
import type { AnswerRow } from '../log/read-rows.js';
import { parseSince } from '../log/since.js';
import type { ServedModel } from '../models/served-model.js';
import type { DashboardApi, DashboardStatus } from './dashboard-contract.js';
import { MAX_NAME_CHARS } from './limits.js';
import { readMemory } from './metrics.js';
import { ApiError, badRequest } from './openai-error.js';
import type { Service } from './service.js';

type DashboardAnswer<Path extends keyof DashboardApi> = DashboardApi[Path]['answer'];

const DEFAULT_SINCE = '7d';
const DEFAULT_POINTS = 120;
const MAX_POINTS = 1_000;
const DEFAULT_ANSWERS = 50;
const MAX_ANSWERS = 1_000;

const text = { type: 'string', maxLength: MAX_NAME_CHARS };
/** A model may have any name; how long an address may be is HTTP's business. */
const RANGE = { since: text, model: { type: 'string' } };
const SERIES = { ...RANGE, points: { type: 'string', pattern: '^[0-9]{1,4}$' } };
/** What each path may be asked for; anything else is refused. */
const QUERIES: { [P in keyof DashboardApi]: Record<keyof DashboardApi[P]['query'], object> } = {
  '/api/dashboard/status': {},
  '/api/dashboard/summary': { ...RANGE, by: { enum: Object.keys(SUMMARY_GROUPS) } },
  '/api/dashboard/series': SERIES,
  '/api/dashboard/samples': SERIES,
  '/api/dashboard/errors': RANGE,
  '/api/dashboard/answers': {
    ...RANGE,
    limit: { type: 'string', pattern: '^[0-9]{1,4}$' },
    failed: { enum: ['true', 'false'] },
    before: { type: 'string', pattern: '^[0-9]{1,15}$' },
  },
};

type Query = Partial<
  Record<'since' | 'model' | 'points' | 'limit' | 'failed' | 'before', string>
> & {
  by?: SummaryBy;
};

export function dashboard(app: FastifyInstance, service: Service): void {
  let opened: LogReader | null = null;
  app.addHook('onClose', async () => opened?.close());
  const log = (): LogReader => {
    if (!service.openReader)
      throw new ApiError('hearth keeps no log here: it was started with --no-log', {
        status: 404,
        code: 'no_log',
      });
    opened ??= service.openReader();
    return opened;
  };
  const get = <Path extends keyof DashboardApi>(
    path: Path,
    answer: (query: Query) => DashboardAnswer<Path> | Promise<DashboardAnswer<Path>>,
  ) => {
    const properties = QUERIES[path];
    const querystring = { type: 'object', additionalProperties: false, properties };
    app.get<{ Querystring: Query }>(path, { schema: { querystring } }, async ({ query }) =>
      answer(query),
    );
  };

  get('/api/dashboard/status', () => status(service));
  get('/api/dashboard/summary', ({ by = 'all', ...query }) => {
    const range = readRange(query);
    return { since: range.since, by, rows: log().summary({ ...range, by }) };
  });
  get('/api/dashboard/series', (query) => inBuckets(query, (range) => log().series(range)));
  get('/api/dashboard/samples', (query) => inBuckets(query, (range) => log().samples(range)));
  get('/api/dashboard/errors', (query) => {
    const range = readRange(query);
    return { since: range.since, rows: log().errors(range) };
  });
  get('/api/dashboard/answers', (query) => {
    const range = readRange(query);
    const limit = readCount(query.limit, 'limit', DEFAULT_ANSWERS, MAX_ANSWERS);
    const where = query.failed === 'true' ? { where: 'error_code IS NOT NULL' } : {};
    const before = query.before === undefined ? {} : { before: Number(query.before) };
    const rows = log().latest({ ...range, limit, ...before, ...where });
    return { since: range.since, rows: rows.map(answerRow) };
  });
}

async function status(service: Service): Promise<DashboardStatus> {
  const { models, log, hearthVersion: version } = service;
  const { engines } = models;
  const { id, engine, info } = mainModel(models.models);
  const state = engine?.state ?? { kind: 'unloaded' as const };
  const memory = await readMemory(engines);
  return {
    version,
    engine: {
      state: state.kind,
      progress: state.kind === 'loading' ? state.progress : null,
      failure: 'failure' in state ? state.failure.message : null,
      restarts: models.restarts,
      rss_bytes: memory?.rssBytes ?? null,
      device_used_bytes: memory?.deviceAfterBytes ?? null,
    },
    model: info && {
      name: id,
      backend: info.backend,
      device_names: info.deviceNames,
      n_ctx: info.nCtx,
      parallel: info.parallel,
      weights_bytes: info.weightsBytes,
      kv_bytes: info.kvBytes,
      compute_bytes: info.computeBytes,
    },
    models: models.models.map((model) => {
      return { name: model.id, is_loaded: model.isLoaded, is_pinned: model.isPinned };
    }),
    slots: engines.flatMap((one) =>
      one.slots().map(({ id, busy, contextUsed }) => {
        return { id, is_busy: busy, context_used: contextUsed, n_ctx: one.info?.nCtx ?? 0 };
      }),
    ),
    log: log && {
      path: log.path,
      unwritten_rows: log.unwrittenRows + models.unrecordedRows,
      last_error: log.lastError,
    },
  };
}

/** The one that was used last, of those that are loaded where any is. */
function mainModel(models: readonly ServedModel[]): ServedModel {
  return models.reduce((main, model) => {
    const isLoadedMore = Number(model.engine !== null) - Number(main.engine !== null);
    return (isLoadedMore || model.lastUsedAt - main.lastUsedAt) > 0 ? model : main;
  });
}

/** Only the columns of the contract: a row of the view holds the texts as well. */
function answerRow(row: AnswerRow): AnswerRow {
  return Object.fromEntries(ANSWER_COLUMNS.map((name) => [name, row[name]])) as AnswerRow;
}

const ANSWER_COLUMNS = Object.keys({
  id: 0,
  started_at: 0,
  endpoint: 0,
  model: 0,
  model_id: 0,
  model_type: 0,
  device: 0,
  prompt_tokens: 0,
  cached_tokens: 0,
  generated_tokens: 0,
  queue_ms: 0,
  ttft_ms: 0,
  total_ms: 0,
  tokens_per_second: 0,
  stop_reason: 0,
  error_code: 0,
  error_message: 0,
  dropped_turns: 0,
  context_used: 0,
  n_ctx: 0,
  peak_rss_bytes: 0,
  device_peak_bytes: 0,
} satisfies Record<keyof AnswerRow, 0>) as (keyof AnswerRow)[];

type TimeRange = { since: string; model?: string };

function readRange({ since = DEFAULT_SINCE, model }: Query, nowMs = Date.now()): TimeRange {
  return { since: parseSince(since, nowMs), ...(model === undefined ? {} : { model }) };
}

/** Whole seconds, so that buckets start where SQLite says they do. */
function inBuckets<Row>(query: Query, read: (range: SeriesOptions & TimeRange) => Row[]) {
  const nowMs = Date.now();
  const range = readRange(query, nowMs);
  const points = readCount(query.points, 'points', DEFAULT_POINTS, MAX_POINTS);
  const spanS = Math.max(0, nowMs - Date.parse(range.since)) / 1000;
  const bucketS = Math.max(1, Math.ceil(spanS / points));
  const rows = read({ ...range, bucketMs: bucketS * 1000 });
  return { since: range.since, bucket_s: bucketS, rows };
}

function readCount(count: string | undefined, name: string, usual: number, most: number): number {
  const value = count === undefined ? usual : Number(count);
  if (value >= 1 && value <= most) return value;
  throw badRequest(`${name} must be a whole number from 1 to ${most}, not ${count}`, name);
}
