import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { needs } from '../../support/needs.js';
import { sqlite3 } from '../log/log-rows.js';
import { holdAnswer, metric, post, runEngine, runServer, until } from './running-server.js';

const skip = needs('sqlite3');

const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 2 };
const running = await runEngine(t, { nCtx: 16_384, parallel: 1 });
/** Longer than the test may take. */
const deadlineMs = 3_600_000;

t.test('a shutdown waits for answers under way and for those that wait', { skip }, async (t) => {
  const { url, server, logPath } = await runServer(t, running, { deadlineMs });
  // Seconds, in which the other one is seen to wait.
  const held = await holdAnswer(url, { max_tokens: 1000 });
  const waiting = post(`${url}/v1/chat/completions`, hello);
  await until(async () => (await metric(url, 'hearth_requests_under_way')) === 2);
  await server.close();
  t.match(await held.text, /"finish_reason":"length"[\s\S]*\[DONE\]/);
  t.equal((await waiting).status, 200);
  t.equal(sqlite3(logPath, 'SELECT 1 FROM answers WHERE stop_reason IS NOT NULL').length, 2);
});

t.test('what waits for half of the time is refused, so that another may answer', async (t) => {
  const { url, server } = await runServer(t, running, { deadlineMs: 6000 });
  const held = await holdAnswer(url);
  const waiting = post(`${url}/v1/chat/completions`, { ...hello, stream: true });
  await until(async () => (await metric(url, 'hearth_requests_under_way')) === 2);
  const hurry = new AbortController();
  const closed = server.close({ hurry: hurry.signal });
  const response = await waiting;
  t.equal(response.status, 503);
  t.match(await response.json(), { error: { code: 'shutting_down' } });
  hurry.abort();
  await closed;
  t.match(await held.text, /"stop_reason":"abort"/);
});

t.test('it does not wait for those that only hold a connection open', async (t) => {
  const { url, server } = await runServer(t, running, { deadlineMs });
  const head = 'POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
  const sent = ['', head, `${head}content-length: 99\r\n\r\n{"content`];
  const ended = sent.map(async (bytes) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(bytes);
    return once(socket.resume(), 'close');
  });
  await fetch(`${url}/health/live`);
  await server.close();
  await Promise.all(ended);
});

t.test('a hurried one cuts what is under way, which is told and recorded', { skip }, async (t) => {
  const { url, server, logPath } = await runServer(t, running, { deadlineMs });
  const held = await holdAnswer(url);
  const hurry = new AbortController();
  const closed = server.close({ hurry: hurry.signal });
  hurry.abort();
  await closed;
  t.match(await held.text, /"stop_reason":"abort"[\s\S]*\[DONE\]/);
  t.match(sqlite3(logPath, 'SELECT stop_reason FROM answers'), [{ stop_reason: 'abort' }]);
  await t.rejects(fetch(`${url}/health/live`));
});

t.test('what outlasts the deadline is cut', { skip }, async (t) => {
  const { url, server, logPath } = await runServer(t, running, { deadlineMs: 300 });
  const held = await holdAnswer(url);
  await server.close();
  t.match(await held.text, /"stop_reason":"(deadline|abort)"[\s\S]*\[DONE\]/);
  t.equal(sqlite3(logPath, 'SELECT 1 FROM answers').length, 1);
});
