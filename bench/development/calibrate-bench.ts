// npm run bench:calibrate: what reading the inputs of every weight adds to computing a text, as hearth calibrate
// does it for repairs by a bias. Its chunks against as many prompts of 512 tokens by bare llama.cpp, on the same
// threads, in turns; and the most memory it took against the model's own. Loading is counted in neither time.
// Of a model with Llama-2-7B's widths a few layers are measured, as what is added grows with them as computing does.
import os from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { convert } from '../../converter/convert.js';
import { ggmlTypeId } from '../../llama/ggml-types.js';
import { type LlamaSettings, librariesFor } from '../../llama/model-settings.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { shapeOfGguf } from '../../model/shape/model-shape.js';
import { calibrate } from '../../pruner/calibrate/calibrate.js';
import { readTexts } from '../../pruner/general-text.js';
import { measureSpeed } from '../measure/speed-process.js';
import { alternate } from './alternate.js';
import { type Figure, figure } from './figure.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { reportFigures } from './report-figures.js';
import { makeSyntheticCheckpoint } from './synthetic-checkpoint.js';

const CHUNK = 512;

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0: hearth calibrate against prompts by bare llama.cpp')
  .options({
    model: { describe: 'GGUF file, in place of random weights', type: 'string' },
    layers: {
      describe: "Layers of Llama-2-7B's widths without --model",
      type: 'number',
      default: 4,
    },
    tokens: { describe: 'Tokens of either, in all turns together', type: 'number', default: 8192 },
    rounds: { describe: 'Turns of each', type: 'number', default: 4 },
    threads: { describe: 'CPU threads', type: 'number', default: os.availableParallelism() },
    folder: { describe: 'Where to work (4 GB)', type: 'string', default: os.tmpdir() },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await inTemporaryFolder(async (folder, signal) => {
  const { rounds, tokens, threads, json } = arguments_;
  const measured = await openModel(folder, signal);
  const nChunks = Math.ceil(tokens / rounds / CHUNK);
  const turns: Turn[] = [];
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`turn ${round + 1} of ${rounds}\n`);
    const output = path.join(folder, `${round}.gguf`);
    const [ours, bareMs] = await alternate(
      round,
      () => measureHearth(measured, nChunks, output),
      () => measureBare(measured, nChunks),
    );
    turns.push({ ours, bareMs });
  }
  reportFigures(await figuresOf(measured, turns), {
    json,
    setting: { threads, tokens: rounds * nChunks * CHUNK, turns: rounds },
  });
}, arguments_.folder);

type Measured = { name: string; settings: LlamaSettings; signal: AbortSignal };

async function openModel(folder: string, signal: AbortSignal): Promise<Measured> {
  const { model, layers, threads } = arguments_;
  const modelPath = model ?? (await makeModel(folder, layers, signal));
  const settings = {
    ...({ modelPath, gpu: false, libraries: librariesFor(false), gpuLayers: 0 } as const),
    ...{ threads, hasFixedThreads: true, kvTypeId: ggmlTypeId('F16') },
    ...{ flashAttention: true, mmap: false },
  };
  const name = model === undefined ? `${layers} of Llama-2-7B's 32 layers` : path.basename(model);
  return { name, settings, signal };
}

/** In half precision, as hearth prune calibrates where memory holds it. */
async function makeModel(folder: string, nLayer: number, signal: AbortSignal): Promise<string> {
  const [checkpoint, output] = [path.join(folder, 'checkpoint'), path.join(folder, 'dense.gguf')];
  await makeSyntheticCheckpoint(checkpoint, { ratio: 0, nLayer });
  await convert({ checkpoint, output, type: 'F16', chatTemplate: 'llama-2', signal });
  return output;
}

type Turn = { ours: Calibrated; bareMs: number };
type Calibrated = { durationMs: number; peakRssBytes: number };

async function measureHearth(
  { settings, signal }: Measured,
  nChunks: number,
  output: string,
): Promise<Calibrated> {
  const { texts: text } = await readTexts([]);
  let begun: number | null = null;
  const { peakRssBytes } = await calibrate({
    ...{ modelPath: settings.modelPath, text, settings, output, signal },
    ...{ nTokens: nChunks * CHUNK, chunkSize: CHUNK, grams: 'none' },
    onProgress: () => {
      begun ??= performance.now();
    },
  });
  return { durationMs: performance.now() - (begun ?? Number.NaN), peakRssBytes };
}

async function measureBare({ settings, signal }: Measured, nChunks: number): Promise<number> {
  const points = [{ nPrompt: CHUNK, nGen: 0, nDepth: 0 }];
  let durationMs = 0;
  for await (const event of measureSpeed({ settings, points, repeats: nChunks }, { signal }))
    if (event.kind === 'sample') durationMs += event.sampleNs / 1e6;
  return durationMs;
}

async function figuresOf(
  { name: model, settings }: Measured,
  turns: readonly Turn[],
): Promise<Figure[]> {
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const oursMs = sum(turns.map(({ ours }) => ours.durationMs));
  const bareMs = sum(turns.map((turn) => turn.bareMs));
  const peakBytes = Math.max(...turns.map(({ ours }) => ours.peakRssBytes));
  const modelBytes = await modelMemory(settings.modelPath);
  return [
    figure({
      ...{ part: 'time', what: 'calibrating over prompts of bare llama.cpp', model },
      ...{ value: oursMs / bareMs, bar: { kind: 'at-most', value: 1.25 } },
      details: { hearth_s: oursMs / 1000, bare_s: bareMs / 1000, turns: turns.length },
    }),
    figure({
      ...{ part: 'memory', what: 'GiB beyond weights and KV cache, at most', model },
      ...{ value: (peakBytes - modelBytes) / 2 ** 30, bar: { kind: 'at-most', value: 1 } },
      details: { peak_rss_mib: peakBytes / 2 ** 20, model_mib: modelBytes / 2 ** 20 },
    }),
  ];
}

/** Weights, and keys and values of half precision. */
async function modelMemory(modelPath: string): Promise<number> {
  const file = await readGgufFile(modelPath);
  const { nHeadKv, headSize } = shapeOfGguf(file);
  const weights = file.tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return weights + nHeadKv.reduce((sum, heads) => sum + 4 * heads * headSize * CHUNK, 0);
}
