// npm run bench:speed-ratio: what hearth compare says of the speeds of one file under several names, beside
// a load that comes and goes. They are equal, so whatever it claims but that is false; to refuse is right.
// The load is a busy loop that a signal stops and lets go on: not on Windows.
import { spawn } from 'node:child_process';
import { link } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { type CompareOptions, compare } from '../compare/compare.js';
import type { Compared } from '../compare/comparison.js';
import { type SpeedVerdict, speedVerdict } from '../compare/verdict.js';
import { type Figure, figure } from './figure.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { reportFigures } from './report-figures.js';
import { convertedSample } from './sample-models.js';

const LOADS = ['none', 'gusts', 'steady'] as const;
type Load = (typeof LOADS)[number];

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: speed ratios of equal models, beside a load')
  .options({
    load: { describe: 'Beside what', choices: LOADS, array: true, default: [...LOADS] },
    trials: { describe: 'Comparisons beside each load', type: 'number', default: 3 },
    models: { describe: 'Names of the one file in a comparison', type: 'number', default: 4 },
    repeats: { describe: 'Rounds of a comparison', type: 'number', default: 5 },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await inTemporaryFolder(async (folder, signal) => {
  const files = await sameFiles(folder);
  const figures: Figure[] = [];
  for (const load of arguments_.load) figures.push(await measure(load, files, signal));
  const { trials, repeats } = arguments_;
  reportFigures(figures, { json: arguments_.json, setting: { trials, repeats } });
});

async function sameFiles(folder: string): Promise<string[]> {
  const first = await convertedSample(folder, 'appliance/dense', 'Q8_0');
  const others = Array.from({ length: arguments_.models - 1 }, (_, i) =>
    path.join(folder, `same-${i + 2}.gguf`),
  );
  for (const other of others) await link(first, other);
  return [first, ...others];
}

async function measure(load: Load, models: string[], signal: AbortSignal): Promise<Figure> {
  const verdicts: SpeedVerdict[] = [];
  for (let trial = 0; trial < arguments_.trials; trial++) {
    const stop = startLoad(load);
    try {
      const comparison = await compare(optionsOf(models, signal));
      signal.throwIfAborted();
      verdicts.push(...pairVerdicts(comparison.models));
    } finally {
      stop();
    }
  }
  const count = (kind: SpeedVerdict['kind']) =>
    verdicts.filter((verdict) => verdict.kind === kind).length;
  return figure({
    ...{ part: load, what: `false claims of speed, load ${load}`, model: 'one file' },
    value: count('told'),
    bar: { kind: 'at-most', value: 0 },
    details: { pairs: verdicts.length, alike: count('alike'), refused: count('refused') },
  });
}

function pairVerdicts(models: readonly Compared[]): SpeedVerdict[] {
  return models.flatMap((a, i) =>
    models.slice(i + 1).flatMap((b) => {
      if (a.failure ?? b.failure) throw new Error(`${a.failure ?? b.failure}`);
      return speedVerdict(a, b) ?? [];
    }),
  );
}

function optionsOf(models: string[], signal: AbortSignal): CompareOptions {
  return {
    ...{ models, signal, devices: [] },
    engine: { gpu: 'off' },
    setting: { questions: [], maxTokens: 1, repeats: arguments_.repeats, text: null },
    onProgress: () => {},
    onNote: (text) => process.stderr.write(`bench:speed-ratio: ${text}\n`),
  };
}

/** Of a gust and of a lull, in ms: from less than an answer to more than a round. */
const [SHORTEST_MS, LONGEST_MS] = [200, 10_000];

/** A loop on half of the cores; returns what ends it. */
function startLoad(load: Load): () => void {
  if (load === 'none') return () => {};
  const nLoops = Math.max(1, Math.floor(os.availableParallelism() / 2));
  const loops = Array.from({ length: nLoops }, () =>
    spawn(process.execPath, ['--eval', 'for (;;);'], { stdio: 'ignore' }),
  );
  const stopped = new AbortController();
  if (load === 'gusts') comeAndGo(loops, stopped.signal).catch(() => {});
  return () => {
    stopped.abort();
    for (const loop of loops) loop.kill('SIGKILL');
  };
}

async function comeAndGo(
  loops: readonly ReturnType<typeof spawn>[],
  signal: AbortSignal,
): Promise<void> {
  for (let isLull = true; !signal.aborted; isLull = !isLull) {
    for (const loop of loops) loop.kill(isLull ? 'SIGSTOP' : 'SIGCONT');
    await wait(SHORTEST_MS + Math.random() * (LONGEST_MS - SHORTEST_MS), undefined, { signal });
  }
}
