// npm run bench:prune-for: whether hearth prune --for finds the best pair without measuring all. First the search
// as the command runs it, then every other pair that fits, one by one on the same text; the winner against the
// best of all, and the time of the search against that of measuring every pair. Calibrating, which both need, is
// counted in neither.
import os from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { findDevice } from '../../devices/catalogue/catalogue.js';
import { openCheckpoint } from '../../model/checkpoint/checkpoint.js';
import { describeLlama } from '../../model/shape/llama-model.js';
import { defaultLayers } from '../../pruner/choose/default-layers.js';
import { listParts, openDenseModel } from '../../pruner/dense-model.js';
import { openComparison, type PairComparison } from '../../pruner/for-device/comparison.js';
import { pairText } from '../../pruner/for-device/for-report.js';
import { meanKl, type Pair } from '../../pruner/for-device/pair.js';
import { findPairs, type PruneForOptions } from '../../pruner/for-device/prune-for.js';
import { type SearchResult, searchPairs } from '../../pruner/for-device/search-pairs.js';
import { readTexts } from '../../pruner/general-text.js';
import { figure } from './figure.js';
import { inTemporaryFolder } from './in-temporary-folder.js';
import { reportFigures } from './report-figures.js';

const arguments_ = await yargs(hideBin(process.argv))
  .usage('$0 DENSE: the search of hearth prune --for against measuring every pair')
  .demandCommand(1, 1)
  .options({
    for: { describe: 'Device', type: 'string', demandOption: true },
    devices: { describe: 'File of devices', type: 'string' },
    ctx: { describe: 'Tokens of context', type: 'number' },
    text: { describe: 'File of text', type: 'string' },
    tokens: { describe: 'Tokens of calibration', type: 'number', default: 4096 },
    folder: { describe: 'Where to work', type: 'string', default: os.tmpdir() },
    json: { describe: 'Print JSON', type: 'boolean', default: false },
  })
  .strict()
  .parseAsync();

await inTemporaryFolder(async (folder, signal) => {
  const options = await readOptions(folder, signal);
  const dense = openDenseModel(await openCheckpoint(options.checkpoint, { signal }), null);
  try {
    const parts = listParts(dense.model, options.layers);
    const pairs = await findPairs(options, dense, parts);
    const comparison = await openComparison(options, { dense, parts, pairs });
    try {
      await report(pairs, comparison);
    } finally {
      await comparison.close();
    }
  } finally {
    dense.close();
  }
}, arguments_.folder);

async function readOptions(folder: string, signal: AbortSignal): Promise<PruneForOptions> {
  const { for: name, devices, ctx, text, tokens, _: positional } = arguments_;
  const checkpoint = String(positional[0]);
  const { layers } = describeLlama(await openCheckpoint(checkpoint, { signal }));
  const { texts, names } = await readTexts(text === undefined ? [] : [text]);
  const device = await findDevice(name, devices === undefined ? {} : { files: [devices] });
  return {
    ...{ checkpoint, device, folder, signal, nCtx: ctx, minTps: null, type: undefined },
    ...{ output: path.join(folder, 'best.gguf'), force: true, denseType: 'F16', gpu: 'off' },
    ...{ nTokens: tokens, text: texts, datasets: names, repair: 'least-squares' },
    ...{ layers: defaultLayers(layers.length), searchMs: 24 * 3_600_000 },
    ...{ memoryBytes: undefined, calibration: undefined, keepCalibration: undefined },
    ...{ threads: undefined, lora: undefined, tokenizer: undefined, chatTemplate: undefined },
    ...{ name: undefined, onStage: () => {}, onPairs: () => {}, onPace: () => {} },
    ...{ onTokens: () => {}, onUnpruned: () => {}, onOverflow: () => {} },
    ...{ onFound: () => {}, onMeasured: tell },
  };
}

function tell(pair: Pair, kl: number): void {
  process.stderr.write(`${pairText(pair)}: KL ${kl.toFixed(4)}\n`);
}

async function report(pairs: readonly Pair[], comparison: PairComparison): Promise<void> {
  const begun = performance.now();
  const result = await searchPairs(pairs, comparison);
  const searchMs = performance.now() - begun;
  const all = await measureRest(result, comparison);
  const best = Math.min(...all.map(({ kl }) => kl));
  const allMs = all.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const [winner] = result.measured;
  const model = `${path.basename(String(arguments_._[0]))} on ${arguments_.for}`;
  const counts = { pairs: pairs.length, measured_by_search: result.measured.length };
  reportFigures(
    [
      figure({
        ...{ part: 'winner', what: 'KL of the winner over that of the best of all pairs', model },
        ...{ value: (winner?.kl ?? Number.NaN) / best, bar: { kind: 'at-most', value: 1.02 } },
        details: { winner_kl: winner?.kl ?? Number.NaN, best_kl: best },
      }),
      figure({
        ...{ part: 'cost', what: 'time of the search over that of measuring every pair', model },
        ...{ value: searchMs / allMs, bar: { kind: 'at-most', value: 1 / 3 } },
        details: { ...counts, search_s: searchMs / 1000, every_pair_s: allMs / 1000 },
      }),
    ],
    { json: arguments_.json, setting: { tokens: arguments_.tokens } },
  );
}

/** What every pair has, and what measuring it took. */
async function measureRest(
  { measured, expected }: SearchResult,
  comparison: PairComparison,
): Promise<{ kl: number; durationMs: number }[]> {
  const all = measured.map(({ kl, quality: { durationMs } }) => ({ kl, durationMs }));
  for (const { pair, kl: expectedKl } of expected) {
    const quality = await comparison.measure(pair, true);
    if (!quality) continue;
    process.stderr.write(`  expected ${expectedKl.toFixed(4)}\n`);
    all.push({ kl: meanKl(quality), durationMs: quality.durationMs });
  }
  return all;
}
