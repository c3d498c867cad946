// What choosing threads by itself is worth: hearth as it starts against every fixed --threads, in turn, and
// against itself beside one busy loop a core. Prompts and answers apart, by the server's own timings.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { threadCounts } from '../../../llama/thread-tuner.js';
import { median } from '../../median.js';
import { type Figure, figure } from '../figure.js';
import { type AnswerSpeed, askSpeed } from './answer-speed.js';
import { HearthProcess } from './hearth-process.js';
import type { BenchModel, Setting } from './setting.js';

const N_CTX = 1024;

type Server = { threads: number | null; hearth: HearthProcess; speeds: AnswerSpeed[] };

export async function measureThreads(setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of setting.models) figures.push(...(await measureModel(model, setting)));
  return figures;
}

async function measureModel(model: BenchModel, setting: Setting): Promise<Figure[]> {
  const servers: Server[] = [];
  try {
    // Its own first and last: what is loaded later may get better memory, by a quarter on some machines.
    for (const threads of [null, ...threadCounts(availableParallelism()), null]) {
      const load = { modelPath: model.path, threads, nCtx: N_CTX, parallel: 1, log: null };
      servers.push({ threads, hearth: await HearthProcess.start(load), speeds: [] });
    }
    return await measureServers(servers, model, setting);
  } finally {
    for (const { hearth } of servers) await hearth[Symbol.asyncDispose]();
  }
}

async function measureServers(
  servers: Server[],
  model: BenchModel,
  setting: Setting,
): Promise<Figure[]> {
  for (let round = 0; round < model.rounds; round++) {
    const inTurn = round % 2 === 0 ? servers : [...servers].reverse();
    for (const server of inTurn) await askOnce(server, model, round, setting);
  }
  const owns = servers.filter(({ threads }) => threads === null) as [Server, ...Server[]];
  const fixed = servers.filter(({ threads }) => threads !== null);
  const own: Server = { ...owns[0], speeds: owns.flatMap(({ speeds }) => speeds) };
  const busy: Server = { ...owns[0], speeds: [] };
  await besideLoops(availableParallelism(), async () => {
    for (let round = 0; round < Math.ceil(model.rounds / 3); round++)
      await askOnce(busy, model, model.rounds + round, setting);
  });
  return (['answer', 'prompt'] as const).flatMap((what) => [
    againstFixed(what, own, fixed, model),
    besideOthers(what, own, busy, model),
  ]);
}

async function askOnce(
  server: Server,
  model: BenchModel,
  round: number,
  { signal, note }: Setting,
): Promise<void> {
  signal.throwIfAborted();
  const speed = await askSpeed(server.hearth.url, round, model.answerTokens);
  server.speeds.push(speed);
  const name = server.threads === null ? 'its own' : `${server.threads}`;
  note(
    `${model.name} ${round}, threads ${name}: ${speed.answer.toFixed(1)} tok/s, prompt ${speed.prompt.toFixed(1)}`,
  );
}

type What = keyof AnswerSpeed;

function speedOf({ speeds }: Server, what: What): number {
  return median(speeds.map((speed) => speed[what]));
}

function againstFixed(what: What, own: Server, fixed: Server[], model: BenchModel): Figure {
  const best = fixed.reduce((a, b) => (speedOf(b, what) > speedOf(a, what) ? b : a));
  return figure({
    part: 'threads',
    what: `${what} tok/s as hearth starts against the best fixed --threads`,
    model: model.name,
    value: speedOf(own, what) / speedOf(best, what),
    bar: { kind: 'at-least', value: 0.95 },
    details: {
      its_own: speedOf(own, what),
      ...Object.fromEntries(fixed.map((one) => [`threads_${one.threads}`, speedOf(one, what)])),
      rounds: own.speeds.length,
    },
  });
}

function besideOthers(what: What, quiet: Server, busy: Server, model: BenchModel): Figure {
  return figure({
    part: 'threads',
    what: `${what} tok/s beside one busy loop a core against quiet`,
    model: model.name,
    value: speedOf(busy, what) / speedOf(quiet, what),
    bar: { kind: 'at-least', value: 0.25 },
    details: { quiet: speedOf(quiet, what), busy: speedOf(busy, what), rounds: busy.speeds.length },
  });
}

/** Time in which the loops have surely begun. */
const LOOPS_START_MS = 500;

async function besideLoops(count: number, work: () => Promise<void>): Promise<void> {
  const loops = Array.from({ length: count }, startLoop);
  try {
    await setTimeout(LOOPS_START_MS);
    await work();
  } finally {
    await Promise.all(loops.map(endLoop));
  }
}

function startLoop(): ChildProcess {
  return spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
}

async function endLoop(loop: ChildProcess): Promise<void> {
  loop.kill('SIGKILL');
  await once(loop, 'exit');
}
