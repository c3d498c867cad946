// Several models behind one address, each in an engine of its own: which is asked, which is loaded, which
// gives way, and what a request hears when its model cannot be had.
// The memory is for one and a half of them, so that two never stand beside each other.
import { appendFile, copyFile, rename, rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import type { EngineOptions } from '../../../runtime/engine/engine.js';
import { openLog } from '../../../runtime/log/answer-log.js';
import { MemoryPlanner } from '../../../runtime/models/memory-planner.js';
import { type ServerOptions, startServer } from '../../../runtime/server/server.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { skipFileWithout } from '../../support/needs.js';
import { sqlite3 } from '../log/log-rows.js';
import { holdAnswer, metric, post, until } from './running-server.js';

skipFileWithout('sqlite3');

const MIB = 2 ** 20;
const folder = t.testdir();
const model = await applianceGguf(folder);
const settings = (name: string): EngineOptions => {
  return { modelPath: path.join(folder, name), gpu: 'off', threads: 1, parallel: 2, nCtx: 8192 };
};
const { neededBytes } = await new MemoryPlanner(2 ** 30).plan(settings('dense.gguf'), 0);
/** What hearth keeps for itself and for what prediction misses is 130 MiB. */
const memoryFor = (models: number) => Math.round(models * neededBytes) + 130 * MIB;

type Hello = { status: number; body: Record<string, unknown> };

/** What follows the tensors nobody reads, but the log knows a model by its content. */
async function makeModel(name: string): Promise<void> {
  const file = path.join(folder, `${name}.gguf`);
  await copyFile(model, file);
  await appendFile(file, name);
}

async function serving(
  test: Pick<typeof t, 'teardown'>,
  names: string[],
  more: Partial<ServerOptions> = {},
) {
  for (const name of names) await makeModel(name);
  const logPath = path.join(folder, `${names.join('-')}.db`);
  const log = openLog({ path: logPath });
  const changes: string[] = [];
  const server = await startServer({
    models: names.map((id) => ({ id, settings: settings(`${id}.gguf`) })),
    ...{ memoryBytes: memoryFor(1.5), log, hearthVersion: '0.0.0-test' },
    listen: { kind: 'port', host: '127.0.0.1', port: 0 },
    onChange: (message) => changes.push(message),
    ...more,
  });
  test.teardown(async () => {
    await server.close();
    await log.close();
  });
  const url = server.address;
  const hello = async (model?: string): Promise<Hello> => {
    const messages = [{ role: 'user', content: 'Hello' }];
    const asked = await post(`${url}/v1/chat/completions`, { model, messages, max_tokens: 2 });
    return { status: asked.status, body: (await asked.json()) as Record<string, unknown> };
  };
  const rows = (sql: string) => sqlite3(logPath, sql);
  return { url, server, changes, hello, rows };
}

async function loadedAt(url: string): Promise<Record<string, boolean>> {
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as {
    data: { id: string; hearth: { loaded: boolean } }[];
  };
  return Object.fromEntries(data.map(({ id, hearth }) => [id, hearth.loaded]));
}

t.test(
  'a request chooses by name; what is not there is named in the form of its API',
  async (t) => {
    const { url, hello } = await serving(t, ['red', 'blue']);
    t.same(await loadedAt(url), { red: false, blue: false });
    t.match(await hello('green'), {
      status: 404,
      body: { error: { code: 'model_not_found', message: /"green".*"red", "blue"/ } },
    });
    t.match(await hello(), { status: 400, body: { error: { param: 'model' } } });
    const messages = [{ role: 'user', content: 'Hello' }];
    const anthropic = await post(`${url}/v1/messages`, { model: 'green', max_tokens: 1, messages });
    t.equal(anthropic.status, 404);
    t.match(await anthropic.json(), { type: 'error', error: { type: 'not_found_error' } });
    const ollama = await post(`${url}/api/show`, { model: 'green' });
    t.equal(ollama.status, 404);
    t.match(await ollama.json(), { error: /"red", "blue"/ });
    t.equal((await fetch(`${url}/health`)).status, 200, 'nothing has to be loaded to be well');
    t.match(await hello('blue'), {
      status: 200,
      body: { model: 'blue', hearth: { load_ms: Number } },
    });
    t.same(await loadedAt(url), { red: false, blue: true });
    const tags = await (await fetch(`${url}/api/tags`)).json();
    t.match(tags, { models: [{ name: 'red' }, { name: 'blue', hearth: { loaded: true } }] });
    t.notMatch(await hello('blue:latest'), { body: { hearth: { load_ms: Number } } });
    t.equal((await fetch(`${url}/props?model=blue`)).status, 200);
  },
);

t.test('first questions at once are one load; the other then gives way', async (t) => {
  const { url, hello, rows } = await serving(t, ['one', 'two']);
  const both = await Promise.all([hello('one'), hello('one')]);
  t.match(both, [{ status: 200 }, { status: 200 }]);
  t.equal(rows('SELECT 1 FROM run').length, 1);
  t.match(await hello('two'), { status: 200 });
  t.same(await loadedAt(url), { one: false, two: true });
  t.match(rows('SELECT model.path, end_reason FROM run JOIN model ON model.id = model_id'), [
    { path: /one\.gguf/, end_reason: 'stopped' },
    { path: /two\.gguf/, end_reason: null },
  ]);
});

t.test('a model that answers gives way when it has; who came later waits longer', async (t) => {
  const { url, server, hello, rows } = await serving(t, ['busy', 'other']);
  await hello('busy');
  const held = await holdAnswer(url, { model: 'busy' });
  const other = hello('other');
  await until(() => server.models.models[0]?.isLeaving ?? false);
  const late = hello('busy');
  await until(async () => (await metric(url, 'hearth_requests_waiting_for_model')) === 2);
  const ended: string[] = [];
  void other.then(() => ended.push('other'));
  void late.then(() => ended.push('late'));
  held.leave();
  t.match(await Promise.all([other, late]), [{ status: 200 }, { status: 200 }]);
  t.same(ended, ['other', 'late']);
  const answers = rows(
    'SELECT model_id, queue_ms > 100 AS waited FROM answers ORDER BY started_at',
  );
  t.match(answers, [
    { model_id: 'busy', waited: 1 },
    { model_id: 'busy', waited: 0 },
    { model_id: 'other', waited: 1 },
    { model_id: 'busy', waited: 1 },
  ]);
});

t.test('a pinned model stays, and what does not fit beside it says so', async (t) => {
  const id = 'pinned';
  const pinned = { id, settings: settings(`${id}.gguf`), isPinned: true };
  const big = { id: 'big', settings: settings('dense.gguf') };
  const { url, server, hello, rows } = await serving(t, [id], { models: [pinned, big] });
  await server.models.ready();
  t.match(await loadedAt(url), { pinned: true });
  t.match(await hello('big'), {
    status: 503,
    body: { error: { code: 'load_failed', message: /"big" needs .* pinned models hold/ } },
  });
  t.match(await hello(id), { status: 200 });
  // Written with the run that did not load, which has to describe the machine first.
  await until(
    () => rows("SELECT 1 FROM answers WHERE error_code = 'HEARTH_LOAD_FAILED'").length === 1,
  );
});

t.test('a model that fits nothing, and a file that is gone or broken', async (t) => {
  const tight = await serving(t, ['tight'], { memoryBytes: memoryFor(0.5) });
  t.match(await tight.hello(), { status: 503, body: { error: { message: /--memory .* leaves/ } } });
  const { hello, rows, url } = await serving(t, ['gone', 'good']);
  t.match(await hello('gone'), { status: 200 });
  t.match(await hello('good'), { status: 200 });
  const file = path.join(folder, 'gone.gguf');
  await rename(file, `${file}.away`);
  const message = /^the model's file cannot be read: ENOENT.*; put it back/;
  const told = { error: { code: 'load_failed', message } };
  t.match(await hello('gone'), { status: 503, body: told });
  await rename(`${file}.away`, file);
  await truncate(file, 100_000);
  t.match(await hello('gone'), { status: 503, body: { error: { code: 'load_failed' } } });
  t.match(await hello('good'), { status: 200 }, 'others are unharmed');
  await makeModel('gone');
  t.match(await hello('gone'), { status: 200 }, 'put right, it is loaded again');
  t.same(
    rows('SELECT error_code FROM answers ORDER BY started_at').map(
      (row) => row['error_code'] !== null,
    ),
    [false, false, true, true, false, false],
  );
  t.equal((await fetch(`${url}/health`)).status, 200);
  await rm(file);
});

t.test('a model that nobody asks is unloaded, and loaded again by the next question', async (t) => {
  const { url, server, changes, hello, rows } = await serving(t, ['idle'], {
    idleMs: 300,
    memoryBytes: null,
  });
  t.match(await hello('any name'), { status: 200, body: { hearth: { load_ms: Number } } });
  await until(() => server.models.engines.length === 0);
  t.match(changes.at(-1), /idle is unloaded, as nobody asked/);
  t.equal((await fetch(`${url}/health`)).status, 200);
  t.match(await (await fetch(`${url}/api/dashboard/status`)).json(), {
    engine: { state: 'unloaded', rss_bytes: null },
  });
  t.match(await hello(), { status: 200, body: { hearth: { load_ms: Number } } });
  t.equal(rows('SELECT 1 FROM run').length, 2);
});

t.test(
  'the deadline counts the wait for a model, and what waited in vain is in the log',
  async (t) => {
    const { server, hello, rows } = await serving(t, ['slow', 'quick'], { deadlineMs: 20 });
    await server.models.plan();
    t.match(await hello('slow'), { status: 504, body: { error: { code: 'deadline_exceeded' } } });
    // Where the deadline came before its load began, the row waits for the model's run.
    await server.close();
    await until(() => rows("SELECT 1 FROM answers WHERE stop_reason = 'deadline'").length === 1);
  },
);
