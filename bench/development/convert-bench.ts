// npm run bench:convert: hearth's one pass against the way that stock tools go, an F16 GGUF and then
// llama_model_quantize, in one run on one synthetic checkpoint; and memory at double the layers.
// Every step is a process of its own, so that its peak memory is its own. Ratios, not seconds.
import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { MIXTURES } from '../../model/types/mixtures.js';
import { formatDisk, formatMemory } from '../../terminal/units.js';
import { median } from '../median.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { makeSyntheticCheckpoint, PRUNED, type PruningRatio } from './synthetic-checkpoint.js';

const run = promisify(execFile);
const DIST = path.resolve(import.meta.dirname, '../..');

const ALL_THREADS = '0';

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: time and memory of hearth convert against F16 + llama_model_quantize')
  .options({
    ratio: {
      describe: 'Percent pruned',
      choices: Object.keys(PRUNED).map(Number) as PruningRatio[],
      default: 20 as PruningRatio,
    },
    layers: { describe: '7B-shaped layers; 3 make 1.4 GB', type: 'number', default: 3 },
    rounds: { describe: 'Repeats, of which the median counts', type: 'number', default: 1 },
    folder: { describe: 'Where to work (6 GB)', type: 'string', default: os.tmpdir() },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await inTemporaryFolder(
  async (folder, signal) => print(await measure(folder, signal)),
  arguments_.folder,
);

type Step = { durationMs: number; peakRssBytes: number };
type Measured = Awaited<ReturnType<typeof measure>>;

async function measure(folder: string, signal: AbortSignal) {
  const { ratio, layers } = arguments_;
  const checkpoint = path.join(folder, 'checkpoint');
  const file = (name: string) => path.join(folder, `${name}.gguf`);
  await makeSyntheticCheckpoint(checkpoint, { ratio, nLayer: layers });
  const { size: checkpointBytes } = await stat(path.join(checkpoint, 'model.safetensors'));
  const rounds: { onePass: Step; toF16: Step; stock: Step }[] = [];
  for (let round = 0; round < arguments_.rounds; round++)
    rounds.push({
      onePass: await hearthConvert(checkpoint, file('one-pass'), 'Q4_K_M', signal),
      toF16: await hearthConvert(checkpoint, file('f16'), 'F16', signal),
      stock: await stockQuantise(file('f16'), file('stock'), signal),
    });
  const [onePassBytes, stockBytes] = [await sizeOf(file('one-pass')), await sizeOf(file('stock'))];
  await rm(file('f16'));
  await makeSyntheticCheckpoint(checkpoint, { ratio, nLayer: 2 * layers });
  const doubled = await hearthConvert(checkpoint, file('one-pass'), 'Q4_K_M', signal);
  const onePassMs = median(rounds.map(({ onePass }) => onePass.durationMs));
  const twoPassMs = median(rounds.map(({ toF16, stock }) => toF16.durationMs + stock.durationMs));
  const peakRssBytes = Math.max(...rounds.map(({ onePass }) => onePass.peakRssBytes));
  return {
    ratio_percent: ratio,
    layers,
    cores: os.availableParallelism(),
    checkpoint_bytes: checkpointBytes,
    one_pass_ms: onePassMs,
    two_pass_ms: twoPassMs,
    time_ratio: onePassMs / twoPassMs,
    one_pass_bytes: onePassBytes,
    stock_bytes: stockBytes,
    peak_rss_bytes: peakRssBytes,
    doubled_peak_rss_bytes: doubled.peakRssBytes,
    peak_rss_ratio: doubled.peakRssBytes / peakRssBytes,
  };
}

async function hearthConvert(
  checkpoint: string,
  output: string,
  type: string,
  signal: AbortSignal,
): Promise<Step> {
  const cli = path.join(DIST, 'cli.js');
  return await timed(
    [cli, 'convert', checkpoint, '-o', output, '--type', type, '--force', '--json'],
    signal,
  );
}

async function stockQuantise(input: string, output: string, signal: AbortSignal): Promise<Step> {
  const script = path.join(DIST, 'llama/stock-quantise.js');
  return await timed(
    [script, ALL_THREADS, input, output, String(MIXTURES.Q4_K_M.fileTypeId)],
    signal,
  );
}

/** The whole process, start included; both kinds print `peak_rss_bytes`. */
async function timed(args: string[], signal: AbortSignal): Promise<Step> {
  const start = performance.now();
  const { stdout } = await run(process.execPath, args, { signal, maxBuffer: 64 << 20 });
  const { peak_rss_bytes: peakRssBytes } = JSON.parse(stdout) as { peak_rss_bytes: number };
  return { durationMs: performance.now() - start, peakRssBytes };
}

async function sizeOf(filePath: string): Promise<number> {
  return (await stat(filePath)).size;
}

function print(measured: Measured): void {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const lines = [
    `${measured.layers} layers of Llama-2-7B pruned by ${measured.ratio_percent} %, ${formatDisk(measured.checkpoint_bytes)}, ${measured.cores} cores`,
    `one pass to Q4_K_M          ${seconds(measured.one_pass_ms)}, ${formatDisk(measured.one_pass_bytes)}`,
    `F16 + llama_model_quantize  ${seconds(measured.two_pass_ms)}, ${formatDisk(measured.stock_bytes)}`,
    `time, ratio                 ${measured.time_ratio.toFixed(2)} (bar: 0.80)`,
    `peak memory                 ${formatMemory(measured.peak_rss_bytes)} (bar: 512 MiB)`,
    `at double the layers        ${formatMemory(measured.doubled_peak_rss_bytes)}, ratio ${measured.peak_rss_ratio.toFixed(2)} (bar: 1.10)`,
  ];
  process.stdout.write(
    arguments_.json ? `${JSON.stringify(measured, null, 2)}\n` : `${lines.join('\n')}\n`,
  );
}
