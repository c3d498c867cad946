// What a server answers the dashboard in tests, from rows of answers; one error's message is hostile.
import type { AnswerRow, SummaryRow } from '../../../runtime/log/read-rows.js';
import type { DashboardAnswers } from '../../support/scripted-server.js';

export const HOSTILE = '<img src=x onerror="window.hacked = 1">';

export function answerRow(id: number, model: string, ttft_ms: number | null): AnswerRow {
  const hasFailed = ttft_ms === null;
  return {
    ...{
      id,
      model,
      model_id: model,
      model_type: 'Q4_K',
      models: [{ name: 'pruned-7b', is_loaded: true, is_pinned: false }],
      device: 'CPU',
      ttft_ms,
    },
    endpoint: '/v1/chat/completions',
    started_at: new Date(Date.now() - (1_000 - id) * 60_000).toISOString(),
    ...{
      prompt_tokens: 120,
      cached_tokens: 100,
      generated_tokens: 88,
      queue_ms: 1,
      total_ms: 2_200,
    },
    ...{ tokens_per_second: 40, stop_reason: hasFailed ? null : 'eos' },
    error_code: hasFailed ? 'HEARTH_ENGINE_DIED' : null,
    error_message: hasFailed ? HOSTILE : null,
    ...{ dropped_turns: 0, context_used: 512, n_ctx: 2_048 },
    ...{ peak_rss_bytes: 2 ** 29, device_peak_bytes: null },
  };
}

export function dashboardAnswers(all: AnswerRow[]): DashboardAnswers {
  const since = new Date(Date.now() - 86_400_000).toISOString();
  const models = [...new Set(all.map(({ model }) => model))];
  const names = { all: ['all'], model: models, device: ['CPU'], day: ['2026-11-24'] };
  const answersOf = (name?: string) => all.filter(({ model }) => model === (name ?? model));
  return {
    '/api/dashboard/status': () => ({
      version: '0.1.0',
      engine: {
        ...{ state: 'ready', progress: null, failure: null, restarts: 0 },
        ...{ rss_bytes: 2 ** 29, device_used_bytes: null },
      },
      model_id: 'pruned-7b',
      model_type: 'Q4_K',
      models: [{ name: 'pruned-7b', is_loaded: true, is_pinned: false }],
      model: null,
      slots: [],
      log: { path: '/log.db', unwritten_rows: 2, last_error: 'the disk is full' },
    }),
    '/api/dashboard/summary': ({ by = 'all', model }) => ({
      ...{ since, by },
      rows:
        answersOf(model).length === 0
          ? []
          : names[by].map((name) => summaryRow(name, model === undefined ? 210 : 3)),
    }),
    '/api/dashboard/series': () => ({ since, bucket_s: 720, rows: [] }),
    '/api/dashboard/samples': () => ({
      ...{ since, bucket_s: 720 },
      rows: all.map(({ started_at }) => ({
        ...{ taken_at: started_at, rss_bytes: 2 ** 29, available_bytes: 2 ** 31 },
        ...{ device_used_bytes: null, cpu_temperature_c: 51.4, device_temperature_c: null },
      })),
    }),
    '/api/dashboard/errors': ({ model }) => ({
      since,
      rows: answersOf(model)
        .filter(({ error_code }) => error_code !== null)
        .map(({ started_at, error_message }) => ({
          ...{ error_code: 'HEARTH_ENGINE_DIED', answers: 1, last_at: started_at },
          last_message: error_message,
        })),
    }),
    '/api/dashboard/answers': ({ model, before = '1e9', limit = '50' }) => {
      const rows = answersOf(model).filter(({ id }) => id < Number(before));
      return { since, rows: rows.toSorted((a, b) => b.id - a.id).slice(0, Number(limit)) };
    },
  };
}

function summaryRow(name: string, answers: number): SummaryRow {
  return {
    ...{ name, answers, errors: 3, prompt_tokens: 9_000, generated_tokens: 8_000 },
    ...{ ttft_p50_ms: 84, ttft_p95_ms: 412, ttft_p99_ms: 1_290 },
    ...{ tokens_per_second_p5: 31.2, tokens_per_second_p50: 42.1 },
    ...{ tokens_per_second_p95: 47, tokens_per_second_p99: 48 },
    ...{ peak_rss_bytes: 2 ** 30, device_peak_bytes: null, dropped_turns: 9 },
  };
}
