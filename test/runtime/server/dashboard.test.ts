import t from 'tap';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { needs } from '../../support/needs.js';
import { machineRow, modelRow, requestRow, runRow, sqlite3 } from '../log/log-rows.js';
import { post, runEngine, runServer } from './running-server.js';

const skip = needs('sqlite3');

const running = await runEngine(t);
const get = async (url: string) => (await fetch(url)).json();

t.test('the dashboard says what sqlite3 says', { skip }, async (t) => {
  const { url, logPath } = await runServer(t, running);
  const api = `${url}/api/dashboard`;
  const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 3 };
  for (let i = 0; i < 3; i++) await post(`${url}/v1/chat/completions`, hello);
  await post(`${url}/v1/chat/completions`, { ...hello, grammar: 'root ::= (' });

  const [total] = sqlite3(
    logPath,
    'SELECT count(*) AS answers, count(error_code) AS errors, sum(generated_tokens) AS generated_tokens, max(peak_rss_bytes) AS peak_rss_bytes FROM answers',
  );
  t.match(total, { answers: 4, errors: 1 });
  t.match(await get(`${api}/summary`), { by: 'all', rows: [{ name: 'all', ...total }] });
  t.match(await get(`${api}/summary?by=day`), {
    rows: [{ name: /^\d{4}-\d\d-\d\d$/, answers: 4 }],
  });
  t.match(await get(`${api}/series?since=1h&points=10`), {
    bucket_s: 360,
    rows: [{ errors: Number }],
  });
  t.match(await get(`${api}/errors`), { rows: [{ error_code: 'HEARTH_BAD_REQUEST', answers: 1 }] });
  const latest = (await get(`${api}/answers?limit=2`)) as { rows: Record<string, unknown>[] };
  t.same(
    latest.rows.map(({ id }) => id),
    sqlite3(logPath, 'SELECT id FROM answers ORDER BY id DESC LIMIT 2').map(({ id }) => id),
  );
  const before = latest.rows[1]?.['id'];
  t.match(await get(`${api}/answers?limit=1&before=${before}`), {
    rows: [{ id: Number(before) - 1 }],
  });
  t.notOk('prompt' in (latest.rows[0] ?? {}));
  t.match(await get(`${api}/answers?failed=true`), {
    rows: [{ error_code: 'HEARTH_BAD_REQUEST' }],
  });
  t.match(await get(`${api}/status`), {
    engine: { state: 'ready', restarts: 0 },
    model: { name: 'dense', n_ctx: 512 },
    slots: [{ id: 0 }, { id: 1 }],
    log: { path: logPath, unwritten_rows: 0, last_error: null },
  });
});

t.test('one model is told from the others, whatever its name', { skip }, async (t) => {
  const { url, log, logPath } = await runServer(t, running);
  const names = ['plain', `it's <img src=x onerror="alert(1)"> & "100 %" OR 1=1`];
  const startedAtMs = Date.now();
  for (const [at, name] of names.entries()) {
    const sha256 = String(at).repeat(64);
    const model = { ...modelRow, sha256, path: `/models/${name}.gguf` };
    const run = runRow(log.recordMachine(machineRow), log.recordModel(model));
    const runId = log.recordRun({ ...run, startedAtMs });
    for (const ttftMs of [10 + at, 20 + at, 90 + at])
      log.recordRequest(requestRow(runId, { startedAtMs, timings: { ttftMs } }));
    const error = { code: 'HEARTH_ENGINE_DIED', message: name };
    log.recordRequest(requestRow(runId, { startedAtMs, timings: null, stopReason: null, error }));
    log.recordSample({ runId, takenAtMs: startedAtMs, rssBytes: 1000 + at });
  }
  for (const [at, name] of names.entries()) {
    const ask = async (path: string) => {
      const query = new URLSearchParams({
        model: `${name} (Q4_K)`,
        ...(path === 'summary' && { by: 'model' }),
      });
      return (await get(`${url}/api/dashboard/${path}?${query}`)) as { rows: unknown[] };
    };
    t.match((await ask('summary')).rows, [
      { name: `${name} (Q4_K)`, answers: 4, errors: 1, ttft_p50_ms: 20 + at },
    ]);
    t.match((await ask('series')).rows, [{ answers: 4, errors: 1, ttft_p50_ms: 20 + at }]);
    t.match((await ask('samples')).rows, [{ rss_bytes: 1000 + at }]);
    t.match((await ask('errors')).rows, [{ answers: 1, last_message: name }]);
    const quoted = name.replaceAll("'", "''");
    t.strictSame(
      (await ask('answers')).rows.map((row) => (row as { id: number }).id),
      sqlite3(logPath, `SELECT id FROM answers WHERE model_id = '${quoted}' ORDER BY id DESC`).map(
        ({ id }) => id,
      ),
    );
  }
  t.match(await get(`${url}/api/dashboard/summary?model=nobody`), { rows: [] });
  t.match(await get(`${url}/api/dashboard/summary`), { rows: [{ answers: 8 }] });
});

t.test('a question that cannot be read gets 400', async (t) => {
  const { url } = await runServer(t, running);
  for (const query of [
    'since=yesterday',
    'points=0',
    'by=name;DROP',
    'limit=-1',
    'limit=99999',
    'x=1',
    'model=a&model=b',
  ])
    t.equal((await fetch(`${url}/api/dashboard/series?${query}`)).status, 400, query);
  const elsewhere = `${url}/api/dashboard/errors?by=model`;
  t.equal((await fetch(elsewhere)).status, 400, 'what a path does not know is not ignored');
});

t.test('without a log there is nothing to show, and it says so', async (t) => {
  const { url } = await runServer(t, running, { log: null });
  const response = await fetch(`${url}/api/dashboard/summary`);
  t.equal(response.status, 404);
  t.match(await response.json(), { error: { code: 'no_log' } });
  t.match(await get(`${url}/api/dashboard/status`), { log: null });
});

t.test('metrics count what was answered', async (t) => {
  const { url } = await runServer(t, running);
  await post(`${url}/v1/completions`, { prompt: 'Hello', max_tokens: 4, logit_bias: { 2: -100 } });
  const text = await (await fetch(`${url}/metrics`)).text();
  t.match(text, 'hearth_requests_total{endpoint="/v1/completions",outcome="length"} 1');
  t.match(text, /^hearth_generated_tokens_total 4$/m);
  t.match(text, /^hearth_ttft_seconds_count 1$/m);
  t.match(text, /^hearth_slots 2$/m);
  t.match(text, /^hearth_rss_bytes \d{8,}$/m);
});

t.test('health tells loading and failure from being well', async (t) => {
  const settings = { ...running.settings, modelPath: '/nowhere/model.gguf' };
  const engine = startEngine(settings);
  t.teardown(() => engine.close());
  const { url } = await runServer(t, { ...running, engine, settings });
  t.equal((await fetch(`${url}/health`)).status, 503);
  t.equal((await fetch(`${url}/health/live`)).status, 200);
  await t.rejects(engine.ready());
  t.match(await get(`${url}/health`), { error: { message: /gave up/, code: 'unavailable' } });
  const answer = await post(`${url}/v1/completions`, { prompt: 'Hello' });
  t.equal(answer.status, 503);
});
