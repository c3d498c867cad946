// Everything that the dashboard shows for one range of time, and for all models or one.
// The server groups all answers; those of one model are grouped here from the latest answers,
// and the page says where that is not all of them.
import type {
  DashboardAnswerRow,
  DashboardErrorRow,
  DashboardSampleRow,
  DashboardSeriesRow,
  DashboardStatus,
  DashboardSummaryRow,
} from '../../server/dashboard-contract.js';
import { askDashboard } from './dashboard-api.js';
import { errorsOf, seriesOf, summaryOf } from './model-figures.js';

export type DashboardData = {
  status: DashboardStatus;
  /** Names of the models that answered in the range. */
  models: string[];
  /** null where nothing was answered. */
  total: DashboardSummaryRow | null;
  byModel: DashboardSummaryRow[];
  byDay: DashboardSummaryRow[];
  series: DashboardSeriesRow[];
  samples: DashboardSampleRow[];
  bucketMs: number;
  errors: DashboardErrorRow[];
  /** Newest first. */
  answers: DashboardAnswerRow[];
  /** Whether figures of one model leave out answers that are too many to fetch. */
  isPartial: boolean;
};

/** `since` is an age such as `7d`; `model` null for all. */
export type DashboardRange = { since: string; model: string | null };

const POINTS = '120';
/** As many as the server gives at once. */
const MOST_ANSWERS = 1000;

export async function loadDashboard({ since, model }: DashboardRange): Promise<DashboardData> {
  const status = await askDashboard('/api/dashboard/status', {});
  const [byModel, samples] = await Promise.all([
    askDashboard('/api/dashboard/summary', { since, by: 'model' }),
    askDashboard('/api/dashboard/samples', { since, points: POINTS }),
  ]);
  const bucketMs = samples.bucket_s * 1000;
  const answered = model === null ? loadAll(since) : loadModel(since, model, bucketMs);
  const models = byModel.rows.map(({ name }) => name);
  const rows = byModel.rows.filter(({ name }) => model === null || name === model);
  return { status, models, byModel: rows, samples: samples.rows, bucketMs, ...(await answered) };
}

type Answered = Pick<
  DashboardData,
  'total' | 'byDay' | 'series' | 'errors' | 'answers' | 'isPartial'
>;

async function loadAll(since: string): Promise<Answered> {
  const [all, byDay, series, errors, answers] = await Promise.all([
    askDashboard('/api/dashboard/summary', { since, by: 'all' }),
    askDashboard('/api/dashboard/summary', { since, by: 'day' }),
    askDashboard('/api/dashboard/series', { since, points: POINTS }),
    askDashboard('/api/dashboard/errors', { since }),
    askDashboard('/api/dashboard/answers', { since }),
  ]);
  return {
    total: all.rows[0] ?? null,
    byDay: byDay.rows,
    series: series.rows,
    errors: errors.rows,
    answers: answers.rows,
    isPartial: false,
  };
}

async function loadModel(since: string, model: string, bucketMs: number): Promise<Answered> {
  const limit = String(MOST_ANSWERS);
  const { rows } = await askDashboard('/api/dashboard/answers', { since, limit });
  const answers = rows.filter((row) => row.model === model);
  return {
    total: summaryOf(answers, () => model)[0] ?? null,
    byDay: summaryOf(answers, localDay),
    series: seriesOf(answers, bucketMs),
    errors: errorsOf(answers),
    answers,
    isPartial: rows.length === MOST_ANSWERS,
  };
}

function localDay({ started_at }: DashboardAnswerRow): string {
  const at = new Date(started_at);
  const parts = [at.getFullYear(), at.getMonth() + 1, at.getDate()];
  return parts.map((part) => String(part).padStart(2, '0')).join('-');
}
