// Replicas behind HAProxy, by the configuration in deploy/haproxy: many clients, one replica killed, one
// drained, one added while they ask; and conversations that stay where their KV cache is.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, figure } from '../figure.js';
import { freePorts } from '../free-port.js';
import { HearthProcess } from '../serve/hearth-process.js';
import { Balancer } from './balancer.js';
import { measureConversations } from './conversations.js';
import type { FleetSetting } from './setting.js';
import { type Asked, isWhole, visit } from './visitors.js';

const CLIENTS = 64;
/** Who come when a replica is added: those who are there keep theirs. */
const NEWCOMERS = 8;
const REPLICAS = 4;
const LOAD = { threads: 1, nCtx: 4096, parallel: 4, maxQueue: 200 };
/** Each of the three events has as long before and after it. */
const PHASE_MS = 15_000;
const KILLED = 'replica-1';
const DRAINED = 'replica-2';
const ADDED = 'replica-4';

export async function measureReplicas(setting: FleetSetting): Promise<Figure[]> {
  const [balancerPort = 0, ...replicaPorts] = await freePorts(REPLICAS + 1);
  const replicas: HearthProcess[] = [];
  const add = async (i: number) => {
    const port = replicaPorts[i] ?? 0;
    const log = `${setting.folder}/replica-${i}.db`;
    replicas.push(await HearthProcess.start({ ...LOAD, modelPath: setting.modelPath, port, log }));
  };
  try {
    for (const i of [0, 1, 2]) await add(i);
    using balancer = await Balancer.start(balancerPort, replicaPorts);
    const turns = await measureConversations(balancer.url, setting);
    const load = await underLoad(balancer.url, replicas, () => add(3), setting);
    return [...turns, ...describe(load)];
  } finally {
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  }
}

type Load = { asked: Asked[]; drainMs: number };

async function underLoad(
  url: string,
  [first, second]: readonly HearthProcess[],
  add: () => Promise<void>,
  { signal, note, isQuick }: FleetSetting,
): Promise<Load> {
  const asked: Asked[] = [];
  const stop = new AbortController();
  const stopped = AbortSignal.any([stop.signal, signal]);
  const clients: Promise<void>[] = [];
  const come = (count: number) => {
    for (let i = 0; i < count; i++) clients.push(visit(url, clients.length, asked, stopped));
  };
  come(CLIENTS);
  const phase = async (what: string) => {
    await sleep(isQuick ? PHASE_MS / 3 : PHASE_MS, undefined, { signal });
    note(`${asked.length} answers; ${what}`);
  };
  await phase(`${KILLED} is killed`);
  await first?.[Symbol.asyncDispose]();
  await phase(`${DRAINED} is drained`);
  const drained = timed(second?.stop());
  await phase(`${ADDED} is added`);
  await add();
  come(NEWCOMERS);
  await phase('all go on');
  await phase('no more questions');
  stop.abort();
  const [drainMs] = await Promise.all([drained, ...clients]);
  return { asked, drainMs };
}

async function timed(work: Promise<void> | undefined): Promise<number> {
  const startMs = performance.now();
  await work;
  return performance.now() - startMs;
}

function describe({ asked, drainMs }: Load): Figure[] {
  const failed = asked.filter(({ answer }) => !isWhole(answer));
  const failedAt = (name: string) => failed.filter(({ replica }) => replica === name);
  const inKilled = failedAt(KILLED);
  const others = failed.length - inKilled.length;
  for (const { replica, answer } of failed)
    process.stderr.write(
      `failed: ${replica}, status ${answer.status}, ${answer.tokens} tokens: ${answer.error}\n`,
    );
  const common = { part: 'replicas', model: 'appliance' };
  const none = { kind: 'at-most' as const, value: 0 };
  return [
    figure({
      ...common,
      what: 'answers that failed outside the killed replica',
      value: others,
      bar: none,
      details: { answers: asked.length, clients: CLIENTS },
    }),
    figure({
      ...common,
      what: 'answers that failed in the drained replica',
      value: failedAt(DRAINED).length,
      bar: none,
      details: { answers: countOf(asked, DRAINED), drain_s: drainMs / 1000 },
    }),
    figure({
      ...common,
      what: 'answers that failed in the killed replica, which had begun as many at most',
      value: inKilled.length,
      bar: { kind: 'at-most', value: LOAD.parallel },
      details: { answers: countOf(asked, KILLED) },
    }),
    figure({
      ...common,
      what: 'answers that failed without an error that says so',
      value: failed.filter(({ answer }) => answer.error === null).length,
      bar: none,
      details: {},
    }),
    figure({
      ...common,
      what: 'answers of the added replica',
      value: countOf(asked, ADDED),
      bar: { kind: 'at-least', value: 1 },
      details: {},
    }),
  ];
}

function countOf(asked: Asked[], name: string): number {
  return asked.filter(({ replica }) => replica === name).length;
}
