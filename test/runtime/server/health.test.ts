import { existsSync } from 'node:fs';
import t from 'tap';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { needs } from '../../support/needs.js';
import { childrenOf } from '../../support/processes.js';
import { sqlite3 } from '../log/log-rows.js';
import { post, runEngine, runServer } from './running-server.js';

const skip = needs('sqlite3');

const { engine, ...running } = await runEngine(t);
const healthLimits = { freshMs: 0, probeMs: 500 };
const isLinux = existsSync('/proc/self');

t.test('ok only while tokens can be decoded', { skip: !isLinux || needs('sqlite3') }, async (t) => {
  const { url, logPath } = await runServer(t, { engine, ...running }, { healthLimits });
  const health = () => fetch(`${url}/health`);
  t.same(await (await health()).json(), { status: 'ok' });
  const [pid = 0] = childrenOf(process.pid);
  process.kill(pid, 'SIGSTOP');
  t.teardown(() => process.kill(pid, 'SIGCONT'));
  const hung = await health();
  t.equal(hung.status, 503);
  t.ok(Number(hung.headers.get('retry-after')) > 0);
  t.match(await hung.json(), {
    error: { type: 'unavailable_error', message: /decodes no token: no answer within 0\.5 s/ },
  });
  for (const path of ['/health/live', '/metrics', '/slots', '/props'])
    t.equal((await fetch(url + path)).status, 200, `${path} does not hang with it`);
  process.kill(pid, 'SIGCONT');
  t.equal((await health()).status, 200);
  t.equal(
    (await post(`${url}/v1/chat/completions`, { messages: [{ role: 'user', content: 'Hi' }] }))
      .status,
    200,
  );
  t.equal(sqlite3(logPath, 'SELECT 1 FROM answers').length, 1, 'probes are no answers');
  t.equal(sqlite3(logPath, 'SELECT 1 FROM request WHERE is_probe').length, 3);
});

t.test('a token of just now is proof enough', { skip }, async (t) => {
  const { url, logPath } = await runServer(t, { engine, ...running });
  await post(`${url}/v1/completions`, { prompt: 'Two', max_tokens: 1 });
  t.equal((await fetch(`${url}/health`)).status, 200);
  t.same(sqlite3(logPath, 'SELECT 1 FROM request WHERE is_probe'), []);
});

t.test('503 with progress while it loads, and for good when it cannot', async (t) => {
  const loading = startEngine(running.settings);
  t.teardown(() => loading.close());
  const { url } = await runServer(t, { ...running, engine: loading });
  const response = await fetch(`${url}/health`);
  t.equal(response.status, 503);
  t.match(await response.json(), {
    error: { message: /being loaded: \d+ %/, status: 'loading', progress: Number },
  });
  t.equal((await fetch(`${url}/health/live`)).status, 200);
  await loading.ready();
  t.equal((await fetch(`${url}/health`)).status, 200);

  const settings = { ...running.settings, modelPath: '/nowhere.gguf' };
  const failed = startEngine(settings);
  t.teardown(() => failed.close());
  const broken = await runServer(t, { ...running, settings, engine: failed });
  await t.rejects(failed.ready());
  const gaveUp = await fetch(`${broken.url}/health`);
  t.equal(gaveUp.status, 503);
  t.match(await gaveUp.json(), { error: { message: /gave up: .*nowhere/, status: 'failed' } });
});
