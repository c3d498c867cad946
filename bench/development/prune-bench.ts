// npm run bench:prune: what hearth prune takes of a model of Llama-2-7B's widths: memory of the whole run with
// repairs by least squares, time for each layer, and its last pass over the weights against hearth convert with the
// same type and importance matrix, in turns. Weights are random: time and memory depend on widths alone.
import { execFile } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { parseSize } from '../../terminal/units.js';
import { median } from '../median.js';
import { alternate } from './alternate.js';
import { type Figure, figure } from './figure.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { reportFigures } from './report-figures.js';
import { makeSyntheticCheckpoint } from './synthetic-checkpoint.js';
import { followMemory } from './tree-memory.js';

const run = promisify(execFile);
const CLI = path.resolve(import.meta.dirname, '../../cli.js');

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: memory and time of hearth prune, 7B widths')
  .options({
    layers: { describe: '7B-shaped layers of the model', type: 'number', default: 4 },
    pruned: { describe: 'Which of them are pruned', type: 'string', default: '1-2' },
    ratio: { describe: 'Share of all weights that goes', type: 'string', default: '0.1' },
    type: { describe: 'Mixture of types', type: 'string', default: 'Q4_K_M' },
    memory: { describe: 'Budget of the whole run', type: 'string', default: '8GiB' },
    tokens: { describe: 'Tokens of calibration', type: 'number', default: 2048 },
    rounds: { describe: 'Turns of writing and converting', type: 'number', default: 3 },
    folder: { describe: 'Where to work (9 GB)', type: 'string', default: os.tmpdir() },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

const MIB = 2 ** 20;
const MODEL = `Llama-2-7B's widths, ${arguments_.layers} layers`;

await inTemporaryFolder(async (folder, signal) => {
  const { layers, tokens, memory, rounds, json } = arguments_;
  const checkpoint = path.join(folder, 'checkpoint');
  await makeSyntheticCheckpoint(checkpoint, { ratio: 0, nLayer: layers });
  const bench: Bench = { folder, checkpoint, signal };
  const whole = await pruneWhole(bench);
  const figures = [wholeFigure(whole), ...(await measureWriting(bench, whole.pruned))];
  reportFigures(figures, { json, setting: { layers, tokens, memory, rounds } });
}, arguments_.folder);

type Bench = { folder: string; checkpoint: string; signal: AbortSignal };

type Pruned = {
  parts: { name: string; choose_ms: number; repair_ms: number }[];
  stages: { name: string; duration_ms: number; peak_rss_bytes: number }[];
  duration_ms: number;
};

type Run = { pruned: Pruned; peakBytes: number };

async function pruneWhole(bench: Bench): Promise<Run> {
  return await prune(bench, ['--tokens', String(arguments_.tokens)]);
}

function wholeFigure({ pruned, peakBytes }: Run): Figure {
  const { parts } = pruned;
  const seconds = (kind: string, key: 'choose_ms' | 'repair_ms') =>
    median(parts.filter(({ name }) => name.endsWith(kind)).map((part) => part[key])) / 1000;
  return figure({
    ...{ part: 'memory', model: MODEL },
    what: 'MiB of the whole run with least squares, all processes together, at most',
    value: peakBytes / MIB,
    bar: { kind: 'at-most', value: parseSize(arguments_.memory) / MIB },
    details: {
      ...{ attention_choose_s: seconds('attn_output', 'choose_ms') },
      ...{ attention_repair_s: seconds('attn_output', 'repair_ms') },
      ...{ channels_choose_s: seconds('ffn_down', 'choose_ms') },
      ...{ channels_repair_s: seconds('ffn_down', 'repair_ms') },
      ...stageDetails(pruned),
    },
  });
}

function stageDetails({ stages }: Pruned): Record<string, number> {
  return Object.fromEntries(
    stages.flatMap(({ name, duration_ms: ms, peak_rss_bytes: bytes }) => [
      [`${name}_s`, ms / 1000],
      [`${name}_mib`, Math.round(bytes / MIB)],
    ]),
  );
}

type Turn = { written: Pruned['stages'][number]; convertMs: number };

/** With repairs by a bias, which take little beside; those by least squares leave more for memory to hold. */
async function measureWriting(bench: Bench, whole: Pruned): Promise<Figure[]> {
  const calibration = ['--keep-calibration', calibrationOf(bench)];
  await prune(bench, ['--tokens', '1024', '--repair', 'bias', ...calibration]);
  const turns: Turn[] = [];
  for (let round = 0; round < arguments_.rounds; round++) {
    const [written, convertMs] = await alternate(
      round,
      () => write(bench),
      () => convert(bench),
    );
    turns.push({ written, convertMs });
  }
  const writeMs = median(turns.map(({ written }) => written.duration_ms));
  const convertMs = median(turns.map((turn) => turn.convertMs));
  const writes = [writingOf(whole), ...turns.map(({ written }) => written)];
  const bytes = Math.max(...writes.map((written) => written.peak_rss_bytes));
  return [
    figure({
      ...{
        part: 'writing',
        what: 'time of the pass that writes over hearth convert',
        model: MODEL,
      },
      ...{ value: writeMs / convertMs, bar: { kind: 'at-most', value: 1.5 } },
      details: { write_s: writeMs / 1000, convert_s: convertMs / 1000, turns: turns.length },
    }),
    figure({
      ...{ part: 'writing', what: 'MiB of the process while it writes, at most', model: MODEL },
      ...{ value: bytes / MIB, bar: { kind: 'at-most', value: 512 } },
      details: { with_least_squares_mib: Math.round(writingOf(whole).peak_rss_bytes / MIB) },
    }),
  ];
}

async function write(bench: Bench): Promise<Turn['written']> {
  const calibration = ['--calibration', calibrationOf(bench)];
  return writingOf((await prune(bench, ['--repair', 'bias', ...calibration])).pruned);
}

function writingOf({ stages }: Pruned): Turn['written'] {
  const written = stages.find(({ name }) => name === 'write');
  if (written) return written;
  throw new Error('hearth prune told nothing of writing');
}

async function convert(bench: Bench): Promise<number> {
  const { checkpoint, signal } = bench;
  const args = ['convert', checkpoint, '-o', path.join(bench.folder, 'converted.gguf'), '--force'];
  const same = ['--type', arguments_.type, '--imatrix', calibrationOf(bench), '--json'];
  const { stdout } = await run(process.execPath, [CLI, ...args, ...same], {
    ...{ signal, maxBuffer: 64 * MIB },
  });
  return (JSON.parse(stdout) as { duration_ms: number }).duration_ms;
}

function calibrationOf({ folder }: Bench): string {
  return path.join(folder, 'calibration.gguf');
}

async function prune({ folder, checkpoint, signal }: Bench, more: string[]): Promise<Run> {
  const { pruned: layers, ratio, type, memory } = arguments_;
  const args = ['prune', checkpoint, '-o', path.join(folder, 'pruned.gguf'), '--force', '--json'];
  const how = ['--layers', layers, '--ratio', ratio, '--type', type, '--memory', memory];
  const alone = ['--search', '0', '--gpu', 'off', '--chat-template', 'llama-2'];
  const running = run(process.execPath, [CLI, ...args, ...how, ...alone, ...more], {
    ...{ signal, maxBuffer: 64 * MIB },
  });
  const memoryOf = followMemory(running.child.pid as number);
  try {
    const { stdout } = await running;
    return { pruned: JSON.parse(stdout) as Pruned, peakBytes: memoryOf.stop() };
  } finally {
    memoryOf.stop();
  }
}
