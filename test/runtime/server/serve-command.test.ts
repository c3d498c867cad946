import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { bindDatagramSocket } from '../../support/datagram-socket.js';
import { needs } from '../../support/needs.js';
import { childrenOf } from '../../support/processes.js';
import { packageRoot } from '../../support/samples.js';
import { sqlite3 } from '../log/log-rows.js';
import { holdAnswer, post, until } from './running-server.js';

const skip = needs('sqlite3');

const cli = path.join(packageRoot, 'dist/cli.js');
const folder = t.testdir();
const model = await applianceGguf(folder);
const logPath = path.join(folder, 'log.db');
const SMALL = ['--gpu', 'off', '--ctx', '512', '--threads', '1', '--parallel', '2'];
const env = { ...process.env, XDG_STATE_HOME: folder };
const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 400 };

t.test('wrong options exit with 2 and say what is wrong', async (t) => {
  const cases: [args: string[], says: RegExp][] = [
    [['--ctx', 'abc'], /--ctx takes a whole number from 1 to \d+, not "abc"/],
    [['--ctx', '-5'], /--ctx/],
    [['--port', '99999'], /--port takes a whole number from 0 to 65535/],
    [['--port', '1', '--port', '2'], /given twice/],
    [['--gpu', 'banana'], /--gpu takes one of auto, off, cuda/],
    [['--deadline', 'soon'], /--deadline takes a time/],
    [['--cors', 'not an origin'], /--cors takes an origin/],
    [['--colour', 'red'], /colour/],
    [['--config', '/nowhere.json'], /config \/nowhere\.json cannot be read/],
    [['--max-queue', '-1'], /--max-queue takes a whole number from 0/],
    [['--rate-limit', '0'], /--rate-limit takes a whole number from 1/],
    [['--idle', 'later'], /--idle takes a time/],
    [['--pin', 'nobody'], /--pin nobody is no model here; there are dense/],
    [[model], /would both be called "dense"; give each its own --alias/],
    [['other.gguf', '--alias', 'a', '--alias', 'a'], /would both be called "a"/],
    [['--alias', 'a', '--alias', 'b'], /--alias is given 2 times for 1 models/],
    [['other.gguf', '--draft', 'small.gguf'], /--draft drafts for one model, and 2 are served/],
    [['--models', '/nowhere'], /--models \/nowhere cannot be read/],
    [['--models', path.join(packageRoot, 'docs')], /holds no file that ends in \.gguf/],
  ];
  for (const [args, says] of cases) {
    const { status, stderr } = hearth(args);
    t.equal(status, 2, args.join(' '));
    t.match(stderr, says);
  }
});

t.test('others are let in only with a key, or on purpose', async (t) => {
  const { status, stderr } = hearth(['--host', '0.0.0.0'], { HEARTH_NEXT_YEAR: '1' });
  t.equal(status, 1);
  t.match(stderr, /warning: HEARTH_NEXT_YEAR is no setting of hearth serve and is left aside/);
  t.match(stderr, /set a key with --api-key/);
  t.match(hearth(['--no-auth', '--api-key', 'k']).stderr, /contradict/);
  const empty = path.join(folder, 'keys');
  writeFileSync(empty, '\n');
  t.match(hearth(['--api-key-file', empty]).stderr, /holds no key/);
  t.match(hearth(['--api-key-file', '/nowhere']).stderr, /keys in \/nowhere cannot be read/);
});

t.test('a port in use is said so', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { status, stderr } = hearth(['--port', String(port), '--no-log', ...SMALL]);
  other.close();
  t.equal(status, 1);
  t.match(stderr, `127.0.0.1:${port} is in use`);
});

t.test('a model that cannot be loaded ends the server with the reason', async (t) => {
  const broken = path.join(folder, 'broken.gguf');
  writeFileSync(broken, readFileSync(model).subarray(0, 100_000));
  const { status, stderr } = spawnSync(
    process.execPath,
    [cli, 'serve', broken, '--port', '0', '--no-log', ...SMALL],
    { encoding: 'utf8', env, timeout: 60_000 },
  );
  t.equal(status, 1);
  t.match(stderr, 'broken.gguf');
});

t.test(
  'SIGTERM lets the answer under way finish, writes the log and exits with 0',
  { skip },
  async (t) => {
    const server = await start(['--log', logPath]);
    const { url } = server;
    t.equal((await fetch(`${url}/health`)).status, 200);
    const held = await holdAnswer(url, { max_tokens: 200 });
    server.child.kill('SIGTERM');
    t.match(await held.text, /"finish_reason":"length"[\s\S]*\[DONE\]/);
    t.same(await server.ended, [0, null]);
    t.match(sqlite3(logPath, 'SELECT endpoint, error_code FROM answers'), [
      { endpoint: '/v1/chat/completions', error_code: null },
    ]);
    t.match(sqlite3(logPath, 'SELECT end_reason FROM run'), [{ end_reason: 'stopped' }]);
    t.match(sqlite3(logPath, 'SELECT name, length(sha256) AS n FROM model'), [{ n: 64 }]);
  },
);

t.test('what outlasts the deadline is cut', async (t) => {
  const server = await start(['--no-log', '--deadline', '1s']);
  const response = await post(`${server.url}/v1/chat/completions`, {
    ...hello,
    grammar: 'root ::= "a" root',
    stream: true,
  });
  server.child.kill('SIGTERM');
  t.match(await response.text(), /"stop_reason":"(deadline|abort|context|length)"/);
  t.same(await server.ended, [0, null]);
});

t.test('settings come from the environment and a config file as well', async (t) => {
  const config = path.join(folder, 'hearth.json');
  writeFileSync(
    config,
    JSON.stringify({ 'rate-limit': 2, ctx: 256, cors: ['https://home.example'] }),
  );
  const server = await start(['--no-log', '--config', config], {
    HEARTH_API_KEY: 'from-env',
    HEARTH_DEBUG: '1',
  });
  const headers = { authorization: 'Bearer from-env', origin: 'https://home.example' };
  t.equal((await fetch(`${server.url}/props`)).status, 401);
  const props = await fetch(`${server.url}/props`, { headers });
  t.match(await props.json(), { default_generation_settings: { n_ctx: 256 } });
  t.equal(props.headers.get('access-control-allow-origin'), 'https://home.example');
  await fetch(`${server.url}/props`, { headers });
  const limited = await fetch(`${server.url}/props`, { headers });
  t.equal(limited.status, 429);
  t.ok(Number(limited.headers.get('retry-after')) > 0);
  t.match(await limited.json(), { error: { code: 'rate_limit_exceeded' } });
  server.child.kill('SIGINT');
  t.same(await server.ended, [0, null]);
});

t.test('options win over the environment, and that over the file', async (t) => {
  const config = path.join(folder, 'order.json');
  writeFileSync(
    config,
    JSON.stringify({ model, gpu: 'off', threads: 1, ctx: 256, parallel: 1, 'no-log': true }),
  );
  const server = await run(['--port', '0', '--ctx', '768', '--host', '0.0.0.0'], {
    HEARTH_CONFIG: config,
    HEARTH_CTX: '512',
    HEARTH_PARALLEL: '2',
    HEARTH_NO_AUTH: '1',
  });
  const props = (await (await fetch(`${server.url}/props`)).json()) as {
    default_generation_settings: { n_ctx: number };
    total_slots: number;
  };
  t.equal(props.default_generation_settings.n_ctx, 768, 'the option over both');
  t.equal(props.total_slots, 2, 'the environment over the file');
  server.child.kill('SIGTERM');
  t.same(await server.ended, [0, null]);
  t.notOk(existsSync(path.join(folder, 'hearth')), 'and of the file, the model and no log');
  t.match(hearth([], { HEARTH_NO_LOG: 'maybe' }).stderr, /HEARTH_NO_LOG is "maybe"/);
});

t.test(
  'a UNIX socket is for its owner, replaces a stale one, and goes with the server',
  async (t) => {
    const short = mkdtempSync(path.join(tmpdir(), 'hearth-socket-'));
    t.teardown(() => rmSync(short, { recursive: true }));
    const socket = path.join(short, 'hearth.sock');
    const args = [model, '--no-log', ...SMALL, '--socket', socket];
    const killed = await run(args);
    killed.child.kill('SIGKILL');
    await killed.ended;
    t.ok(existsSync(socket), 'left behind');
    const server = await run(args);
    t.equal(statSync(socket).mode & 0o777, 0o660);
    const body = JSON.stringify({ ...hello, max_tokens: 2 });
    const asked = request({
      socketPath: socket,
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json', host: 'hearth' },
    }).end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    t.match(JSON.parse(await text(response)), { object: 'chat.completion' });
    t.match(hearth(['--socket', socket, '--no-log']).stderr, /is in use by another program/);
    server.child.kill('SIGTERM');
    t.same(await server.ended, [0, null]);
    t.notOk(existsSync(socket), 'removed');

    for (const [wrong, says] of [
      [config(short), /is there already and is not a socket/],
      [path.join(short, 'nowhere/x.sock'), /nowhere is not a folder/],
      [path.join(short, 'x'.repeat(120)), /bytes, and the path of a socket at most/],
    ] as const) {
      const { status, stderr } = hearth(['--socket', wrong, '--no-log']);
      t.equal(status, 1);
      t.match(stderr, says);
    }
  },
);

t.test(
  'systemd hears of readiness, of life while tokens come, and of the end',
  {
    skip: process.platform !== 'linux',
  },
  async (t) => {
    const name = `@hearth-serve-test-${process.pid}`;
    const systemd = bindDatagramSocket(name);
    t.teardown(() => systemd.close());
    const heard: string[] = [];
    const hear = () => {
      for (let said = systemd.receive(); said !== ''; said = systemd.receive()) heard.push(said);
      return heard;
    };
    const server = await start(['--no-log'], { NOTIFY_SOCKET: name, WATCHDOG_USEC: '400000' });
    await until(() => hear().length >= 4);
    t.match(heard[0], /^READY=1/);
    t.ok(heard.slice(1).every((said) => said === 'WATCHDOG=1'));
    server.child.kill('SIGTERM');
    t.same(await server.ended, [0, null]);
    t.equal(hear().at(-1), 'STOPPING=1');
  },
);

t.test(
  'an engine that is killed costs its answer, which has a row',
  { skip: !existsSync('/proc/self') || needs('sqlite3') },
  async (t) => {
    const killedLog = path.join(folder, 'killed.db');
    const server = await start(['--log', killedLog]);
    const response = await post(`${server.url}/v1/chat/completions`, {
      ...hello,
      grammar: 'root ::= "a" root',
      stream: true,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    await reader?.read();
    for (const pid of childrenOf(server.child.pid ?? 0)) process.kill(pid, 'SIGKILL');
    let text = '';
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
      text += part.value;
    t.match(text, '"code":"engine_died"');
    t.notMatch(text, '[DONE]');
    await until(async () => (await fetch(`${server.url}/health`)).status === 200);
    const next = await post(`${server.url}/v1/chat/completions`, { ...hello, max_tokens: 2 });
    t.equal(next.status, 200, 'the next answer is served');
    t.match(sqlite3(killedLog, 'SELECT error_code FROM answers ORDER BY id LIMIT 1'), [
      { error_code: 'HEARTH_ENGINE_DIED' },
    ]);
    server.child.kill('SIGTERM');
    t.same(await server.ended, [0, null]);
    t.match(sqlite3(killedLog, 'SELECT end_reason FROM run ORDER BY id'), [
      { end_reason: 'crashed' },
      { end_reason: 'stopped' },
    ]);
  },
);

function config(folder: string): string {
  const file = path.join(folder, 'file');
  writeFileSync(file, '');
  return file;
}

function hearth(args: string[], more: NodeJS.ProcessEnv = {}) {
  const options = {
    encoding: 'utf8',
    cwd: folder,
    env: { ...env, ...more },
    timeout: 60_000,
  } as const;
  return spawnSync(process.execPath, [cli, 'serve', model, ...args], options);
}

type Running = {
  child: ChildProcessByStdio<null, null, Readable>;
  url: string;
  ended: Promise<unknown[]>;
};

async function start(args: string[], more: NodeJS.ProcessEnv = {}): Promise<Running> {
  const small = SMALL.filter((_, i) => !args.includes('--config') || (i !== 2 && i !== 3));
  return await run([model, '--port', '0', ...small, ...args], more);
}

/** `hearth serve` with these arguments, once it answers. */
async function run(args: string[], more: NodeJS.ProcessEnv = {}): Promise<Running> {
  const child = spawn(process.execPath, [cli, 'serve', ...args], {
    env: { ...env, ...more },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  let said = '';
  for await (const chunk of child.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += chunk;
    const url = /ready on (\S+)/.exec(said)?.[1];
    if (url) return { child, url, ended };
  }
  throw new Error(`hearth serve ended: ${said}`);
}
