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

type Server = { threads: number | null; hearth: HearthProcess };
/** Of each `--threads`; null is hearth's own choice. */
type Speeds = Map<number | null, AnswerSpeed[]>;

export async function measureThreads(setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of setting.models) figures.push(...(await measureModel(model, setting)));
  return figures;
}

async function measureModel(model: BenchModel, setting: Setting): Promise<Figure[]> {
  const quiet: Speeds = new Map();
  const busy: Speeds = new Map();
  const all = [null, ...threadCounts(availableParallelism())];
  await besideEachOther(all, model, setting, async (servers) => {
    for (let round = 0; round < model.rounds; round += 2)
      await askInTurn(servers, { round, speeds: quiet }, model, setting);
  });
  // What is loaded later may get better memory, by a quarter on some machines, so once in either order.
  await besideEachOther(all.reverse(), model, setting, async (servers) => {
    for (let round = 1; round < model.rounds; round += 2)
      await askInTurn(servers, { round, speeds: quiet }, model, setting);
    const own = servers.filter(({ threads }) => threads === null);
    await besideLoops(availableParallelism(), async () => {
      for (let round = 0; round < Math.ceil(model.rounds / 3); round++)
        await askInTurn(own, { round: model.rounds + round, speeds: busy }, model, setting);
    });
  });
  return (['answer', 'prompt'] as const).flatMap((what) => [
    againstFixed(what, quiet, model),
    besideOthers(what, quiet, busy, model),
  ]);
}

/** Servers of the model with each of `counts`, loaded in this order, all at once. */
async function besideEachOther(
  counts: readonly (number | null)[],
  model: BenchModel,
  { signal }: Setting,
  work: (servers: readonly Server[]) => Promise<void>,
): Promise<void> {
  const servers: Server[] = [];
  try {
    for (const threads of counts) {
      signal.throwIfAborted();
      const load = { modelPath: model.path, threads, nCtx: N_CTX, parallel: 1, log: null };
      servers.push({ threads, hearth: await HearthProcess.start(load) });
    }
    await work(servers);
  } finally {
    for (const { hearth } of servers) await hearth[Symbol.asyncDispose]();
  }
}

/** Forwards in every other of the rounds of one load. */
async function askInTurn(
  servers: readonly Server[],
  { round, speeds }: { round: number; speeds: Speeds },
  model: BenchModel,
  setting: Setting,
): Promise<void> {
  const inTurn = round % 4 < 2 ? servers : servers.toReversed();
  for (const server of inTurn) {
    const speed = await askOnce(server, model, round, setting);
    speeds.set(server.threads, [...(speeds.get(server.threads) ?? []), speed]);
  }
}

async function askOnce(
  server: Server,
  model: BenchModel,
  round: number,
  { signal, note }: Setting,
): Promise<AnswerSpeed> {
  signal.throwIfAborted();
  const speed = await askSpeed(server.hearth.url, round, model.answerTokens);
  const name = server.threads === null ? 'its own' : `${server.threads}`;
  note(
    `${model.name} ${round}, threads ${name}: ${speed.answer.toFixed(1)} tok/s, prompt ${speed.prompt.toFixed(1)}`,
  );
  return speed;
}

type What = keyof AnswerSpeed;

function speedOf(speeds: readonly AnswerSpeed[], what: What): number {
  return median(speeds.map((speed) => speed[what]));
}

function againstFixed(what: What, quiet: Speeds, model: BenchModel): Figure {
  const own = quiet.get(null) ?? [];
  const fixed = [...quiet]
    .filter(([threads]) => threads !== null)
    .map(([threads, speeds]) => [`threads_${threads}`, speedOf(speeds, what)] as const)
    .sort();
  return figure({
    part: 'threads',
    what: `${what} tok/s as hearth starts against the best fixed --threads`,
    model: model.name,
    value: speedOf(own, what) / Math.max(...fixed.map(([, speed]) => speed)),
    bar: { kind: 'at-least', value: 0.95 },
    details: { its_own: speedOf(own, what), ...Object.fromEntries(fixed), rounds: own.length },
  });
}

function besideOthers(what: What, quiet: Speeds, busy: Speeds, model: BenchModel): Figure {
  const [alone, beside] = [quiet.get(null) ?? [], busy.get(null) ?? []];
  const [before, after] = [speedOf(alone, what), speedOf(beside, what)];
  return figure({
    part: 'threads',
    what: `${what} tok/s beside one busy loop a core against quiet`,
    model: model.name,
    value: after / before,
    bar: { kind: 'at-least', value: 0.25 },
    details: { quiet: before, busy: after, rounds: beside.length },
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
