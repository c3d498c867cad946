// npm run bench:llama-bench: tok/s of hearth measure against llama.cpp's own llama-bench, on one file and
// with the same libraries, in turns, so that a drift of the machine cancels out.
// The program is not in node-llama-cpp's packages: docs/measure-and-compare.md says how to build it.
import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { ggmlTypeId } from '../../llama/ggml-types.js';
import { librariesFor } from '../../llama/model-settings.js';
import { interruptible } from '../../terminal/interruptible.js';
import { type MeasuredPoint, N_GEN, N_PROMPT, pointName } from '../measure/points.js';
import { measureSpeed } from '../measure/speed-process.js';
import { median } from '../median.js';
import { alternate } from './alternate.js';
import { type Figure, figure } from './figure.js';
import { reportFigures } from './report-figures.js';

const run = promisify(execFile);

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0 --program llama-bench --model chat.gguf: both on the CPU, in turns')
  .options({
    program: { describe: "llama.cpp's llama-bench", type: 'string', demandOption: true },
    model: { describe: 'GGUF files', type: 'string', array: true, demandOption: true },
    rounds: { describe: 'Turns of each', type: 'number', default: 10 },
    repeats: { describe: 'Repeats in a turn', type: 'number', default: 3 },
    threads: { describe: 'CPU threads', type: 'number', default: 1 },
    realtime: {
      describe: 'Before all other programs, for a busy machine (Linux, needs the right to)',
      type: 'boolean',
      default: false,
    },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

const POINTS: MeasuredPoint[] = [
  { nPrompt: N_PROMPT, nGen: 0, nDepth: 0 },
  { nPrompt: 0, nGen: N_GEN, nDepth: 0 },
];

/** What both may differ by, as a share. */
const BAR = 0.03;

const REALTIME = ['chrt', '--fifo', '1'];

await interruptible(async (signal) => {
  const figures: Figure[] = [];
  for (const modelPath of arguments_.model) figures.push(...(await compare(modelPath, signal)));
  reportFigures(figures, { json: arguments_.json, setting: { threads: arguments_.threads } });
});

/** Samples in ns, of each point. */
type Samples = number[][];

/** Of one turn each, one after the other: what slows the machine for longer slows both. */
type Turns = { ours: number[]; theirs: number[] };

async function compare(modelPath: string, signal: AbortSignal): Promise<Figure[]> {
  const turns: Turns[][] = POINTS.map(() => []);
  for (let round = 0; round < arguments_.rounds; round++) {
    const measureOurs = () => measureHearth(modelPath, signal);
    const measureTheirs = () => measureLlamaBench(modelPath, signal);
    const [a, b] = await alternate(round, measureOurs, measureTheirs);
    for (const [i, ofPoint] of turns.entries())
      ofPoint.push({ ours: a[i] ?? [], theirs: b[i] ?? [] });
  }
  return POINTS.map((point, i) => ratioFigure(modelPath, point, turns[i] ?? []));
}

function ratioFigure(model: string, point: MeasuredPoint, turns: readonly Turns[]): Figure {
  const nTokens = point.nPrompt + point.nGen;
  const [ours, theirs] = [turns.flatMap((turn) => turn.ours), turns.flatMap((turn) => turn.theirs)];
  const rate = (samples: number[]) => (nTokens * 1e9) / median(samples);
  const ratio = median(turns.map((turn) => median(turn.theirs) / median(turn.ours)));
  return figure({
    ...{ part: 'llama-bench', model: path.basename(model) },
    what: `${pointName(point)}, distance from llama-bench's median`,
    value: Math.abs(ratio - 1),
    bar: { kind: 'at-most', value: BAR },
    details: {
      median_of_ratios: ratio,
      ratio_of_medians: rate(ours) / rate(theirs),
      ratio_of_best: Math.min(...theirs) / Math.min(...ours),
      hearth_tokens_per_second: rate(ours),
      llama_bench_tokens_per_second: rate(theirs),
      turns: turns.length,
    },
  });
}

async function measureHearth(modelPath: string, signal: AbortSignal): Promise<Samples> {
  const { repeats, threads } = arguments_;
  const libraries = librariesFor(false);
  const settings = {
    ...{ modelPath, gpu: false as const, libraries, gpuLayers: 0, threads, hasFixedThreads: true },
    ...{ kvTypeId: ggmlTypeId('F16'), flashAttention: true, mmap: false },
  };
  const samples: Samples = POINTS.map(() => []);
  const task = { settings, points: POINTS, repeats };
  let pid = 0;
  const onStart = (started: number) => {
    pid = started;
  };
  for await (const event of measureSpeed(task, { signal, onStart })) {
    // Not before: while it starts, its threads wait for each other by spinning.
    if (event.kind === 'loaded') prefer(pid);
    if (event.kind === 'sample') samples[event.point]?.push(event.sampleNs);
  }
  return samples;
}

function prefer(pid: number): void {
  if (arguments_.realtime) execFileSync('chrt', ['--fifo', '--pid', '1', String(pid)]);
}

async function measureLlamaBench(modelPath: string, signal: AbortSignal): Promise<Samples> {
  const { program, repeats, threads } = arguments_;
  const words = ['-m', modelPath, '-p', String(N_PROMPT), '-n', String(N_GEN), '-o', 'json'];
  const same = ['-t', String(threads), '-r', String(repeats), '-fa', 'on', '-lm', 'none'];
  const [command = '', ...first] = arguments_.realtime ? [...REALTIME, program] : [program];
  const running = run(command, [...first, ...words, ...same], { signal, maxBuffer: 1 << 24 });
  const { stdout } = await running;
  const rows = JSON.parse(stdout) as { n_prompt: number; n_gen: number; samples_ns: number[] }[];
  return POINTS.map(
    ({ nPrompt, nGen }) =>
      rows.find((row) => row.n_prompt === nPrompt && row.n_gen === nGen)?.samples_ns ?? [],
  );
}
