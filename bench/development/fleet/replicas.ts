// Replicas behind HAProxy, by the configuration in deploy/haproxy: many clients, one replica killed, one
// drained, one added while they ask; and conversations that stay where their KV cache is.
// Needs HAProxy, as Debian has it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../../median.js';
import { type Figure, figure } from '../figure.js';
import { type Answered, type Message, streamChat, user } from '../serve/client.js';
import { HearthProcess } from '../serve/hearth-process.js';
import type { FleetSetting } from './setting.js';

const CLIENTS = 64;
const REPLICAS = 4;
const LOAD = { threads: 1, nCtx: 2048, parallel: 4, maxQueue: 200 };
const ANSWER_TOKENS = 60;
/** Each of the three events has as long before and after it. */
const PHASE_MS = 15_000;
const CONVERSATIONS = 12;
const DEPLOY = path.resolve(import.meta.dirname, '../../../../deploy/haproxy');

type Asked = { answer: Answered; replica: string; endedAt: number };

export async function measureReplicas(setting: FleetSetting): Promise<Figure[]> {
  const ports = await freePorts(REPLICAS + 1);
  const [balancerPort = 0, ...replicaPorts] = ports;
  const start = (i: number) =>
    HearthProcess.start({
      ...{ ...LOAD, modelPath: setting.modelPath, port: replicaPorts[i] ?? 0 },
      log: `${setting.folder}/replica-${i}.db`,
    });
  const replicas = await Promise.all([0, 1, 2].map(start));
  const balancer = startBalancer(balancerPort, replicaPorts);
  try {
    const url = `http://127.0.0.1:${balancerPort}`;
    await untilAnswers(url);
    const turns = await conversations(url, setting);
    const asked = await underLoad(url, replicas, () => start(3), setting);
    return [...describeLoad(asked), ...describeTurns(turns)];
  } finally {
    balancer.kill('SIGKILL');
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function startBalancer(port: number, replicaPorts: number[]): ChildProcess {
  const replicas = replicaPorts.map((port, i) => [`HEARTH_${i + 1}`, `127.0.0.1:${port}`]);
  const env = { HEARTH_BALANCER: `127.0.0.1:${port}`, HEARTH_ERRORS: DEPLOY };
  return spawn('haproxy', ['-db', '-f', path.join(DEPLOY, 'haproxy.cfg')], {
    env: { ...process.env, ...env, ...Object.fromEntries(replicas) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function untilAnswers(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/health`).catch(() => null);
    if (response?.ok) return;
    await sleep(100);
  }
}

/** What the clients got, and what was done to the replicas meanwhile. */
type Load = { asked: Asked[]; killed: string; drained: string; added: string };

async function underLoad(
  url: string,
  replicas: HearthProcess[],
  add: () => Promise<HearthProcess>,
  { signal, note, isQuick }: FleetSetting,
): Promise<Load> {
  const asked: Asked[] = [];
  const stop = new AbortController();
  const clients = Array.from({ length: CLIENTS }, (_, client) =>
    askUntil(AbortSignal.any([stop.signal, signal]), url, client, asked),
  );
  const phase = () => sleep(isQuick ? PHASE_MS / 3 : PHASE_MS, undefined, { signal });
  const [first, second] = replicas;
  await phase();
  note(`${asked.length} answers; one replica is killed`);
  await first?.[Symbol.asyncDispose]();
  await phase();
  note(`${asked.length} answers; one is drained`);
  const drained = second?.stop();
  await phase();
  note(`${asked.length} answers; one is added`);
  replicas.push(await add());
  await phase();
  await phase();
  stop.abort();
  await Promise.all([...clients, drained]);
  note(`${asked.length} answers`);
  return { asked, killed: 'replica-1', drained: 'replica-2', added: 'replica-4' };
}

/** A client keeps its cookie, as a browser does, and asks a new question each time. */
async function askUntil(signal: AbortSignal, url: string, client: number, asked: Asked[]) {
  let cookie: string | null = null;
  for (let i = 0; !signal.aborted; i++) {
    const messages = user(`Question ${i} of client ${client}: what does E17 mean?`);
    const answer: Answered = await streamChat({ url, messages, maxTokens: ANSWER_TOKENS, cookie });
    cookie = cookieOf(answer) ?? cookie;
    asked.push({ answer, replica: replicaOf(answer), endedAt: performance.now() });
    if (!isGood(answer)) await sleep(200);
  }
}

function cookieOf({ headers }: Answered): string | null {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? null;
}

function replicaOf({ headers }: Answered): string {
  return String(headers['x-hearth-replica'] ?? 'none');
}

function isGood({ status, error, isDone, tokens }: Answered): boolean {
  return status === 200 && error === null && isDone && tokens === ANSWER_TOKENS;
}

function describeLoad({ asked, killed, drained, added }: Load): Figure[] {
  const failed = asked.filter(({ answer }) => !isGood(answer));
  const inKilled = failed.filter(({ answer, replica }) => isInside(answer, replica, killed));
  const unclear = inKilled.filter(({ answer }) => answer.error === null);
  const served = (name: string) => asked.filter(({ replica }) => replica === name).length;
  const others = failed.filter((one) => !inKilled.includes(one));
  for (const { answer, replica } of others.slice(0, 5))
    process.stderr.write(`${replica} ${answer.status} ${answer.error} ${answer.tokens}\n`);
  for (const error of new Set(inKilled.map(({ answer }) => `${answer.status} ${answer.error}`)))
    process.stderr.write(`inside the killed one: ${error}\n`);
  const common = { part: 'replicas', model: 'appliance' };
  const none = { kind: 'at-most' as const, value: 0 };
  const details = {
    ...{ answers: asked.length, clients: CLIENTS, failed_inside_killed: inKilled.length },
    ...{ by_killed: served(killed), by_drained: served(drained), by_added: served(added) },
  };
  return [
    figure({
      ...common,
      what: 'answers lost outside the killed replica',
      value: others.length,
      bar: none,
      details,
    }),
    figure({
      ...common,
      what: 'answers inside it that broke off without an error',
      value: unclear.length,
      bar: none,
      details: {},
    }),
    figure({
      ...common,
      what: 'answers inside the killed replica that failed, of as many as it can decode at once',
      value: inKilled.length,
      // All others were in its queue: they break off with it, too.
      bar: { kind: 'at-most', value: CLIENTS },
      details: {},
    }),
    figure({
      ...common,
      what: 'answers by the added replica',
      value: served(added),
      bar: { kind: 'at-least', value: 1 },
      details: {},
    }),
  ];
}

/** It broke off in the middle, or before its first byte, which the balancer tells by 502. */
function isInside({ status }: Answered, replica: string, killed: string): boolean {
  return replica === killed && (status === 200 || status === 502);
}

type Turns = { firstMs: number; secondMs: number; isSame: boolean };

/** One after the other: what is measured is the cache, not who else is waiting. */
async function conversations(url: string, { isQuick, signal }: FleetSetting): Promise<Turns[]> {
  const all: Turns[] = [];
  for (let i = 0; i < (isQuick ? 3 : CONVERSATIONS); i++) {
    signal.throwIfAborted();
    const text = `Of conversation ${i}: what does E17 mean on a dryer? `;
    const messages = user(text.repeat(60));
    const first = await streamChat({ url, messages, maxTokens: 8 });
    const answer: Message = { role: 'assistant', content: first.text };
    const then = [...messages, answer, ...user('And on a washer?')];
    const second = await streamChat({ url, messages: then, maxTokens: 8, cookie: cookieOf(first) });
    const error = first.error ?? second.error;
    if (error !== null) throw new Error(`a turn failed: ${error}`);
    const isSame = replicaOf(first) === replicaOf(second);
    all.push({ firstMs: first.ttftMs, secondMs: second.ttftMs, isSame });
  }
  return all;
}

function describeTurns(turns: Turns[]): Figure[] {
  const common = { part: 'replicas', model: 'appliance' };
  return [
    figure({
      ...common,
      what: 'conversations that left their replica',
      value: turns.filter(({ isSame }) => !isSame).length,
      bar: { kind: 'at-most', value: 0 },
      details: { conversations: turns.length },
    }),
    figure({
      ...common,
      what: 'TTFT of the second turn against the first',
      value: median(turns.map(({ firstMs, secondMs }) => secondMs / firstMs)),
      bar: { kind: 'at-most', value: 0.2 },
      details: {
        first_ttft_ms: median(turns.map(({ firstMs }) => firstMs)),
        second_ttft_ms: median(turns.map(({ secondMs }) => secondMs)),
        worst: Math.max(...turns.map(({ firstMs, secondMs }) => secondMs / firstMs)),
      },
    }),
  ];
}
