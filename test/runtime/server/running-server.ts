// A server in this process over a real engine with the appliance model, for the tests of server/.
// One engine serves all servers of a test file: loading it is what takes time.
// It asserts nothing.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type t from 'tap';
import type { Engine, EngineOptions } from '../../../runtime/engine/engine.js';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { type AnswerLog, openLog } from '../../../runtime/log/answer-log.js';
import { modelIdOf } from '../../../runtime/models/model-files.js';
import {
  type HearthServer,
  type ServerOptions,
  startServer,
} from '../../../runtime/server/server.js';
import { applianceGguf } from '../../support/appliance-gguf.js';

export type RunningEngine = { engine: Engine; settings: EngineOptions; folder: string };
export type RunningServer = { url: string; server: HearthServer; logPath: string; log: AnswerLog };

type Test = Pick<typeof t, 'testdir' | 'teardown'>;

/** Ends with the test. One thread, because the machines that run tests are shared. */
export async function runEngine(
  test: Test,
  more: Partial<EngineOptions> = {},
): Promise<RunningEngine> {
  const folder = test.testdir();
  const modelPath = await applianceGguf(folder);
  const settings: EngineOptions = {
    ...{ modelPath, gpu: 'off', nCtx: 512, parallel: 2, threads: 1 },
    ...more,
  };
  const engine = startEngine(settings);
  test.teardown(() => engine.close());
  await engine.ready();
  return { engine, settings, folder };
}

export async function runServer(
  test: Test,
  running: RunningEngine,
  { id, ...more }: Partial<ServerOptions> & { id?: string } = {},
): Promise<RunningServer> {
  const logPath = path.join(running.folder, `log-${randomUUID()}.db`);
  const log = openLog({ path: logPath, logText: more.keepText ?? false });
  const { engine, settings } = running;
  const server = await startServer({
    models: [{ id: id ?? modelIdOf(settings.modelPath), settings, engine }],
    log,
    hearthVersion: '0.0.0-test',
    listen: { kind: 'port', host: '127.0.0.1', port: 0 },
    ...more,
  });
  test.teardown(async () => {
    await server.close();
    await log.close();
  });
  return { url: server.address, server, logPath, log };
}

export function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
}

/** An answer that goes on until its context is full. */
export const ENDLESS = {
  messages: [{ role: 'user', content: 'Hello' }],
  grammar: 'root ::= "a" root',
  stream: true,
};

export type Held = { text: Promise<string>; leave(): void };

/** A client in the middle of an endless answer: its first token has arrived. */
export async function holdAnswer(url: string, more: object = {}): Promise<Held> {
  const abort = new AbortController();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...ENDLESS, ...more }),
    signal: abort.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const read = async () => {
    const { done = true, value = '' } = (await reader?.read()) ?? {};
    text += value;
    return !done;
  };
  while (!/"content":"[^"]/.test(text) && (await read()));
  const rest = async () => {
    while (await read());
    return text;
  };
  return { text: rest().catch(() => text), leave: () => abort.abort() };
}

/** The sum of a metric over its labels, as a Prometheus server would see it; NaN if it is missing. */
export async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = [...text.matchAll(/^([\w:]+)(?:\{.*\})? (\S+)$/gm)].filter(
    ([, key]) => key === name,
  );
  return found.length === 0
    ? Number.NaN
    : found.reduce((sum, [, , value]) => sum + Number(value), 0);
}

/** Beyond what the slowest machine takes; less than tap gives a whole file, whose end would take others along. */
const UNTIL_MS = 120_000;

/** Waits for a state that can be seen. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + UNTIL_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not so within ${UNTIL_MS} ms: ${isSo}`);
    await sleep(10);
  }
}
