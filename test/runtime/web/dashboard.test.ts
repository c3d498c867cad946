// The dashboard in a real browser: its figures are those that the server sent, in tables and charts.
import t from 'tap';
import type { AnswerRow, SummaryRow } from '../../../runtime/log/read-rows.js';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { type DashboardAnswers, startScriptedServer } from '../../support/scripted-server.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);
const HOSTILE = '<img src=x onerror="window.hacked = 1">';

function summaryRow(name: string, answers: number): SummaryRow {
  return {
    ...{ name, answers, errors: 3, prompt_tokens: 9_000, generated_tokens: 8_000 },
    ...{ ttft_p50_ms: 84, ttft_p95_ms: 412, ttft_p99_ms: 1_290 },
    ...{ tokens_per_second_p5: 31.2, tokens_per_second_p50: 42.1 },
    ...{ tokens_per_second_p95: 47, tokens_per_second_p99: 48 },
    ...{ peak_rss_bytes: 2 ** 30, device_peak_bytes: null, dropped_turns: 9 },
  };
}

function answerRow(id: number, model: string, ttft_ms: number | null): AnswerRow {
  const hasFailed = ttft_ms === null;
  return {
    ...{
      id,
      model,
      model_id: model,
      model_type: 'Q4_K',
      device: 'CPU',
      endpoint: '/v1/chat/completions',
      ttft_ms,
    },
    started_at: new Date(Date.now() - id * 60_000).toISOString(),
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

function dashboardAnswers(all: AnswerRow[]): DashboardAnswers {
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
    '/api/dashboard/answers': ({ model }) => ({ since, rows: answersOf(model) }),
  };
}

const ANSWERS = [
  answerRow(1, 'small', 100),
  answerRow(2, HOSTILE, 900),
  answerRow(3, 'small', 300),
  answerRow(4, 'small', null),
];

t.test('figures, charts and their tables show what the server sent', async (t) => {
  const server = await startScriptedServer(t);
  server.dashboard = dashboardAnswers(ANSWERS);
  const { page, faults, origins } = await openPage(browser, `${server.url}dashboard`);
  await page.locator('.tile').first().waitFor();
  const tiles = await page.locator('.tile-value').allTextContents();
  t.same(tiles, ['210', '84 ms', '42.1 tok/s', '1 GiB', '3', '9']);
  t.match(
    (await page.locator('#status').textContent()) ?? '',
    /2 answers are not in the log: the disk is full/,
  );
  const memory = page
    .locator('section', { has: page.getByRole('heading', { name: 'Memory', exact: true }) })
    .first();
  t.match(
    await memory.locator('canvas').getAttribute('aria-label'),
    'hearth 512 MiB, GPU –, Left 2 GiB',
  );
  const painted =
    "[...document.querySelector('section.card:nth-of-type(3) canvas').getContext('2d').getImageData(0, 0, 300, 150).data].some((value) => value > 0)";
  t.equal(await page.evaluate(painted), true, 'the chart is drawn');
  await memory.locator('summary').click();
  t.equal(await memory.locator('tbody tr').count(), ANSWERS.length);
  t.equal(await page.evaluate('window.hacked'), undefined);
  t.same(faults, []);
  t.same([...origins], [new URL(server.url).origin]);
});

t.test('one model can be chosen, and stays chosen', async (t) => {
  const server = await startScriptedServer(t);
  server.dashboard = dashboardAnswers(ANSWERS);
  const { page } = await openPage(browser, `${server.url}dashboard`);
  await page.locator('.tile').first().waitFor();
  await page.locator('#model').selectOption('small');
  await page.locator('.tile-value').first().getByText('3', { exact: true }).waitFor();
  const models = await page.locator('#tables section').last().locator('td:nth-child(2)');
  t.same(new Set(await models.allTextContents()), new Set(['small']));
  t.match((await page.locator('#tables').textContent()) ?? '', HOSTILE, 'the error, as text');
  await page.reload();
  await page.locator('.tile').first().waitFor();
  t.equal(await page.locator('#model').inputValue(), 'small');
});

t.test('an empty log invites to ask, and no log is told', async (t) => {
  const server = await startScriptedServer(t);
  server.dashboard = dashboardAnswers([]);
  const phone = { viewport: { width: 360, height: 740 } };
  const { page } = await openPage(browser, `${server.url}dashboard`, phone);
  await page.getByRole('heading', { name: 'No answers in this time' }).waitFor();
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
  server.dashboard = null;
  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.getByText('started with --no-log').waitFor();
});

t.test('on a phone, tables scroll inside the page', async (t) => {
  const server = await startScriptedServer(t);
  server.dashboard = dashboardAnswers(ANSWERS);
  const phone = { viewport: { width: 360, height: 740 } };
  const { page } = await openPage(browser, `${server.url}dashboard`, phone);
  await page.locator('.tile').first().waitFor();
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
});
