import { once } from 'node:events';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { skipFileWithout } from '../../support/needs.js';
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

skipFileWithout('sqlite3');

const running = await runEngine(t, { nCtx: 8192, parallel: 1 });
const { url, logPath } = await runServer(t, running);
const body = JSON.stringify({ ...ENDLESS, max_tokens: 8_000 });
const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;

/** A stage at which a client goes away; afterwards nothing is busy and a good request is answered. */
function stage(name: string, rows: object[], leave: (t: Test) => Promise<unknown>): void {
  t.test(name, async (t) => {
    const before = count('SELECT count(*) AS n FROM answers');
    await leave(t);
    await until(async () => (await metric(url, 'hearth_requests_under_way')) === 0);
    await until(async () => (await metric(url, 'hearth_slots_busy')) === 0);
    await until(() => count('SELECT count(*) AS n FROM answers') >= before + rows.length);
    const found = sqlite3(logPath, `SELECT * FROM answers ORDER BY id LIMIT -1 OFFSET ${before}`);
    t.match(found, rows);
    t.equal(found.length, rows.length);
    const next = await post(`${url}/v1/completions`, { prompt: 'Two', max_tokens: 1 });
    t.equal(next.status, 200);
  });
}

const aborted = { stop_reason: 'abort', error_code: null };

for (const [name, bytes] of [
  ['in the headers', head],
  ['in the body', `${head}\r\n${body.slice(0, 40)}`],
] as const)
  stage(name, [], async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(bytes);
    await once(socket, 'connect');
    // What was sent before this is answered has been read.
    await fetch(`${url}/health/live`);
    socket.resetAndDestroy();
    await once(socket, 'close');
  });

stage('while it waits its turn', [{ ...aborted, generated_tokens: 0 }, aborted], async () => {
  const held = await holdAnswer(url);
  const abort = new AbortController();
  const waiting = fetch(`${url}/v1/chat/completions`, { ...init(body), signal: abort.signal });
  await until(async () => (await metric(url, 'hearth_requests_under_way')) === 2);
  abort.abort();
  await waiting.catch(() => {});
  await until(async () => (await metric(url, 'hearth_requests_under_way')) === 1);
  held.leave();
});

stage('while its prompt is evaluated', [{ ...aborted, generated_tokens: 0 }], async (t) => {
  const abort = new AbortController();
  const messages = [{ role: 'user', content: 'oven '.repeat(4_000) }];
  const text = JSON.stringify({ ...ENDLESS, messages });
  // The stream opens when the prompt has a sequence, before its first token.
  const response = await fetch(`${url}/v1/chat/completions`, {
    ...init(text),
    signal: abort.signal,
  });
  t.equal(response.status, 200);
  abort.abort();
  await response.text().catch(() => {});
});

stage('while it is answered', [aborted], async () => (await holdAnswer(url)).leave());

stage('while several answers are streamed', [aborted, aborted], async () =>
  (await holdAnswer(url, { n: 2 })).leave(),
);

stage('while it waits for a whole answer', [aborted], async () => {
  const abort = new AbortController();
  const whole = init(JSON.stringify({ ...ENDLESS, stream: false }));
  const asked = fetch(`${url}/v1/chat/completions`, { ...whole, signal: abort.signal });
  await until(() => running.engine.slots().some(({ busy }) => busy));
  abort.abort();
  await asked.catch(() => {});
});

function count(sql: string): number {
  return Number(sqlite3(logPath, sql)[0]?.n);
}

function init(text: string): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: text };
}
