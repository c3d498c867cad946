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
  answers: AnswerRow[];
};

/** `since` is an age such as `7d`; `model` null for all. */
export type DashboardRange = { since: string; model: string | null };

const POINTS = '120';
const LATEST = '20';

export async function loadDashboard({ since, model }: DashboardRange): Promise<DashboardData> {
  const range = model === null ? { since } : { since, model };
  const [status, byModel, total, byDay, series, samples, errors, answers] = await Promise.all([
    askDashboard('/api/dashboard/status', {}),
    askDashboard('/api/dashboard/summary', { since, by: 'model' }),
    askDashboard('/api/dashboard/summary', { ...range, by: 'all' }),
    askDashboard('/api/dashboard/summary', { ...range, by: 'day' }),
    askDashboard('/api/dashboard/series', { ...range, points: POINTS }),
    askDashboard('/api/dashboard/samples', { ...range, points: POINTS }),
    askDashboard('/api/dashboard/errors', range),
    askDashboard('/api/dashboard/answers', { ...range, limit: LATEST }),
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
    answers: answers.rows,
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
