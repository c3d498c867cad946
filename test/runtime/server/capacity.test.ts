import t from 'tap';
import { needs } from '../../support/needs.js';
import { sqlite3 } from '../log/log-rows.js';
import {
  ENDLESS,
  holdAnswer,
  metric,
  post,
  runEngine,
  runServer,
  until,
} from './running-server.js';

const skip = needs('sqlite3');

const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 2 };
const running = await runEngine(t, { nCtx: 16_384, parallel: 1, maxQueue: 1 });

t.test('what finds the queue full gets 429 and when to try again', { skip }, async (t) => {
  const { url, logPath } = await runServer(t, running);
  const chat = `${url}/v1/chat/completions`;
  const held = await holdAnswer(url);
  const waiting = post(chat, hello);
  await until(async () => (await metric(url, 'hearth_requests_under_way')) === 2);
  for (const more of [{}, { stream: true }]) {
    const refused = await post(chat, { ...hello, ...more });
    t.equal(refused.status, 429);
    t.ok(Number(refused.headers.get('retry-after')) > 0);
    t.match(await refused.json(), {
      error: { type: 'rate_limit_error', code: 'queue_full', message: /1 requests wait already/ },
    });
  }
  held.leave();
  const answered = await waiting;
  t.equal(answered.status, 200, 'the one that waited is answered');
  const { timings } = (await answered.json()) as { timings: { queue_ms: number } };
  t.ok(timings.queue_ms > 0);
  await until(() => sqlite3(logPath, 'SELECT 1 FROM answers').length === 4);
  t.equal(
    sqlite3(logPath, "SELECT 1 FROM answers WHERE error_code = 'HEARTH_QUEUE_FULL'").length,
    2,
  );
});

t.test('more answers than ever find a place are refused for good', async (t) => {
  const { url } = await runServer(t, running);
  const refused = await post(`${url}/v1/chat/completions`, { ...hello, n: 3 });
  t.equal(refused.status, 400);
  t.match(await refused.json(), { error: { param: 'n', message: /takes 2 at a time/ } });
  t.equal((await post(`${url}/v1/chat/completions`, { ...hello, n: 2 })).status, 200);
});

t.test('the deadline cuts an answer, and what waits for longer gets 504', { skip }, async (t) => {
  const patient = await runServer(t, running);
  const { url, logPath } = await runServer(t, running, { deadlineMs: 300 });
  const cut = await post(`${url}/v1/chat/completions`, { ...ENDLESS, stream: false });
  t.equal(cut.status, 200);
  t.match(await cut.json(), {
    choices: [{ finish_reason: 'length', message: { content: /^ ?a+$/ } }],
    hearth: { stop_reason: 'deadline' },
  });
  const held = await holdAnswer(patient.url);
  const late = await post(`${url}/v1/chat/completions`, hello);
  t.equal(late.status, 504);
  t.match(await late.json(), { error: { type: 'server_error', code: 'deadline_exceeded' } });
  held.leave();
  t.match(sqlite3(logPath, 'SELECT stop_reason, error_code FROM answers ORDER BY id'), [
    { stop_reason: 'deadline', error_code: null },
    { stop_reason: 'deadline', error_code: null },
  ]);
});
