// What is left of a server when nobody asks, and how long the first question after that waits, against a
// program that is started anew for it.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../../median.js';
import { type Figure, figure } from '../figure.js';
import { streamChat, user } from './client.js';
import { HearthProcess } from './hearth-process.js';
import { programMemory } from './program-memory.js';
import { type BenchModel, question, type Setting } from './setting.js';

const N_CTX = 512;
const MIB = 2 ** 20;

type Round = { freshMs: number; againMs: number; idleBytes: number };

export async function measureIdle(setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of setting.models.filter(({ name }) => name === 'synthetic'))
    figures.push(...(await measureModel(model, setting)));
  return figures;
}

async function measureModel(model: BenchModel, setting: Setting): Promise<Figure[]> {
  await readFile(model.path);
  const rounds: Round[] = [];
  for (let round = -1; round < model.rounds; round++) {
    setting.signal.throwIfAborted();
    const measured = await measureRound(model, setting);
    const { freshMs, againMs } = measured;
    setting.note(`${model.name} ${round}: ${againMs.toFixed(0)} ms, anew ${freshMs.toFixed(0)} ms`);
    if (round >= 0) rounds.push(measured);
  }
  const middle = (key: keyof Round) => median(rounds.map((round) => round[key]));
  const common = { part: 'idle', model: model.name };
  return [
    figure({
      ...common,
      what: 'RSS of the server alone in MiB, its model unloaded, worst round',
      value: Math.max(...rounds.map(({ idleBytes }) => idleBytes)) / MIB,
      bar: { kind: 'at-most', value: 110 },
      details: { median_mib: middle('idleBytes') / MIB },
    }),
    figure({
      ...common,
      what: 'first token after --idle against that of a fresh start',
      value: median(rounds.map(({ againMs, freshMs }) => againMs / freshMs)),
      bar: { kind: 'at-most', value: 1.2 },
      details: { again_ms: middle('againMs'), fresh_ms: middle('freshMs'), rounds: rounds.length },
    }),
  ];
}

async function measureRound(model: BenchModel, { threads, folder }: Setting): Promise<Round> {
  const startedAt = performance.now();
  await using hearth = await HearthProcess.start({
    ...{ modelPath: model.path, threads, nCtx: N_CTX, parallel: 1 },
    ...{ log: `${folder}/idle.db`, more: ['--idle', '1s'] },
  });
  const freshMs = (await firstTextAt(hearth)) - startedAt;
  while (hearth.enginePid() !== undefined) await sleep(50);
  // Garbage of the answer is collected, as it would be long before anybody comes back.
  await sleep(1000);
  const idleBytes = programMemory([hearth.pid]).summedRssBytes;
  const askedAt = performance.now();
  const againMs = (await firstTextAt(hearth)) - askedAt;
  await hearth.stop();
  return { freshMs, againMs, idleBytes };
}

async function firstTextAt({ url }: HearthProcess): Promise<number> {
  let at = Number.NaN;
  const onFirstText = () => {
    at = performance.now();
  };
  const messages = user(question(0));
  const answer = await streamChat({ url, messages, maxTokens: 2, onFirstText });
  if (answer.error !== null) throw new Error(`the first answer failed: ${answer.error}`);
  return at;
}
