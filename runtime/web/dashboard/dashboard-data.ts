// Everything that the dashboard shows for one range of time, and for all models or one.
// The server groups and filters in SQL. Rows are taken as they come: it is of one version with this page.
import type {
  AnswerRow,
  ErrorRow,
  SampleSeriesRow,
  SeriesRow,
  SummaryRow,
} from '../../log/read-rows.js';
import type { DashboardApi, DashboardStatus } from '../../server/dashboard-contract.js';
import { askJson } from '../shared/server-client.js';
import { rangeMs } from './time-axis.js';

export type DashboardData = {
  status: DashboardStatus;
  /** Names of all models that answered in the time, also where one is chosen. */
  models: string[];
  total: SummaryRow | null;
  byModel: SummaryRow[];
  byDay: SummaryRow[];
  series: SeriesRow[];
  samples: SampleSeriesRow[];
  bucketMs: number;
  errors: ErrorRow[];
  /** A page of them. */
  answers: AnswerRow[];
  hasOlderAnswers: boolean;
};

/** `since` is an age such as `7d`; `model` null for all. */
export type DashboardRange = { since: string; model: string | null };

const POINTS = '120';
const PAGE = 25;
/** What is offered, the shortest first. */
export const RANGES = ['1h', '24h', '7d', '30d', '90d', '365d'] as const;
const USUAL_RANGE = '24h';
const LONGEST_RANGE = '365d';

/** The shortest range from a day on that holds an answer: a dashboard that opens empty says nothing. */
export async function rangeWithData(): Promise<string> {
  const { rows } = await askDashboard('/api/dashboard/answers', {
    since: LONGEST_RANGE,
    limit: '1',
  });
  const ageMs = Date.now() - Date.parse(rows[0]?.started_at ?? '');
  const wide = RANGES.slice(RANGES.indexOf(USUAL_RANGE));
  return wide.find((range) => ageMs < rangeMs(range)) ?? USUAL_RANGE;
}

/** `before`: only answers before the one with this id are in `answers`; null for the newest. */
export async function loadDashboard(
  { since, model }: DashboardRange,
  before: number | null,
): Promise<DashboardData> {
  const range = model === null ? { since } : { since, model };
  const [status, byModel, total, byDay, series, samples, errors, answers] = await Promise.all([
    askDashboard('/api/dashboard/status', {}),
    askDashboard('/api/dashboard/summary', { since, by: 'model' }),
    askDashboard('/api/dashboard/summary', { ...range, by: 'all' }),
    askDashboard('/api/dashboard/summary', { ...range, by: 'day' }),
    askDashboard('/api/dashboard/series', { ...range, points: POINTS }),
    askDashboard('/api/dashboard/samples', { ...range, points: POINTS }),
    askDashboard('/api/dashboard/errors', range),
    askDashboard('/api/dashboard/answers', {
      ...range,
      limit: String(PAGE + 1),
      ...(before === null ? {} : { before: String(before) }),
    }),
  ]);
  return {
    status,
    models: byModel.rows.map(({ name }) => name),
    total: total.rows[0] ?? null,
    byModel: byModel.rows.filter(({ name }) => model === null || name === model),
    byDay: byDay.rows,
    series: series.rows,
    samples: samples.rows,
    bucketMs: series.bucket_s * 1000,
    errors: errors.rows,
    answers: answers.rows.slice(0, PAGE),
    hasOlderAnswers: answers.rows.length > PAGE,
  };
}

async function askDashboard<P extends keyof DashboardApi>(
  path: P,
  query: DashboardApi[P]['query'],
): Promise<DashboardApi[P]['answer']> {
  const text = new URLSearchParams(query as Record<string, string>).toString();
  const address = path.slice(1) + (text === '' ? '' : `?${text}`);
  return (await askJson(address)) as DashboardApi[P]['answer'];
}
