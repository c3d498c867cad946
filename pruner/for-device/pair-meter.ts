// Makes pairs and measures them: widths repaired, the pruned model tried in the loaded unpruned one, the file
// written and scored against the unpruned model on text held out. Files are large, so only the best stays.
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ConvertSummary } from '../../converter/convert.js';
import { scoreQuality } from '../../llama/quality/quality-process.js';
import type { CalibratedModel } from '../calibrated-model.js';
import { CHUNK_SIZE } from '../calibrated-model.js';
import type { KeptWidths } from '../choose/plain-widths.js';
import type { MeasuredPart } from '../measured-part.js';
import { asChange, type RepairedPart, type RepairTools } from '../repair/repair-parts.js';
import { openScratch } from '../scratch.js';
import { scoreTrials } from '../trial/trial.js';
import { JUDGED_CHUNKS, judgingTask } from '../unpruned-score.js';
import { repairParts, type WritingOptions, writePruned } from '../write-pruned.js';
import { type Pair, type PairQuality, pairName } from './pair.js';

export type PairMeterOptions = Omit<WritingOptions, 'type' | 'output' | 'force' | 'signal'> & {
  tools: Omit<RepairTools, 'scratch'>;
  parts: readonly MeasuredPart[];
  ready: CalibratedModel;
  /** For what lies between. */
  folder: string;
  /** For files of pairs, on the output's disk. */
  outputFolder: string;
};

export type WrittenPair = { quality: PairQuality; file: ConvertSummary };

export type PairMeter = {
  /** The pair's file stays in the output folder. */
  measure(pair: Pair, signal: AbortSignal): Promise<WrittenPair>;
  /** The file alone. */
  write(pair: Pair, signal: AbortSignal): Promise<ConvertSummary>;
  /** Divergence of the pruned model, with neither a file nor its type. */
  tryPruning(pair: Pair, signal: AbortSignal): Promise<number>;
};

/** What pruning alone costs only guides the search. */
const TRIED_CHUNKS = 4;

export function openPairMeter(options: PairMeterOptions): PairMeter {
  const tryRepaired = async (repaired: readonly RepairedPart[], signal: AbortSignal) => {
    if (repaired.length === 0) return 0;
    const { unpruned } = options.ready;
    options.onStage({ name: 'search', part: 'the pruned model', done: 0, of: 1 });
    const { scores } = await scoreTrials(
      {
        ...judgingTask({ ...options.ready, text: unpruned.text }),
        chunks: { least: 1, most: TRIED_CHUNKS },
        dense: { kind: 'read', path: unpruned.rowsPath },
        trials: [repaired.map(asChange)],
      },
      { signal },
    );
    return scores[0]?.meanKl ?? 0;
  };
  return {
    async measure(pair, signal) {
      const begun = performance.now();
      return await withRepaired(options, pair, signal, async (repaired) => {
        const pruningKl = await tryRepaired(repaired, signal);
        const file = await writePair(options, pair, { repaired, signal });
        const scored = await scoreFile(options, { file: file.output, signal });
        const durationMs = performance.now() - begun;
        return { file, quality: { ...scored, pruningKl, durationMs } };
      });
    },
    write: (pair, signal) =>
      withRepaired(options, pair, signal, (repaired) =>
        writePair(options, pair, { repaired, signal }),
      ),
    tryPruning: (pair, signal) =>
      withRepaired(options, pair, signal, (repaired) => tryRepaired(repaired, signal)),
  };
}

/** Repaired columns lie in a file of their own while `work` needs them. */
async function withRepaired<T>(
  options: PairMeterOptions,
  pair: Pair,
  signal: AbortSignal,
  work: (repaired: RepairedPart[]) => Promise<T>,
): Promise<T> {
  const scratchPath = path.join(options.folder, `repaired-${pairName(pair)}`);
  const scratch = openScratch(scratchPath);
  try {
    const tools = { ...options.tools, scratch };
    const widths = widthsOf(options.parts, pair.widths);
    return await work(await repairParts({ ...options, signal }, tools, widths));
  } finally {
    scratch.close();
    await rm(scratchPath, { force: true });
  }
}

function widthsOf(parts: readonly MeasuredPart[], widths: KeptWidths): Map<MeasuredPart, number> {
  const kept = new Map(Array.from(widths, ([{ ggufName }, nKept]) => [ggufName, nKept]));
  return new Map(parts.map((part) => [part, kept.get(part.ggufName) ?? part.nGroups]));
}

async function writePair(
  options: PairMeterOptions,
  pair: Pair,
  { repaired, signal }: { repaired: RepairedPart[]; signal: AbortSignal },
): Promise<ConvertSummary> {
  const { tools, outputFolder } = options;
  await mkdir(outputFolder, { recursive: true });
  const output = path.join(outputFolder, `${pairName(pair)}.gguf`);
  return await writePruned(
    { ...options, type: pair.quantised.fileType, output, force: true, signal },
    { ...tools, repaired },
  );
}

async function scoreFile(
  { ready: { settings, unpruned }, onStage }: PairMeterOptions,
  { file, signal }: { file: string; signal: AbortSignal },
): Promise<Pick<PairQuality, 'klByChunk' | 'perplexity'>> {
  onStage({ name: 'judge', part: 'the file', done: 0, of: 1 });
  const { byChunk, perplexity } = await scoreQuality(
    {
      ...{ text: unpruned.text, nCtx: CHUNK_SIZE, maxChunks: JUDGED_CHUNKS, tokensSha256: null },
      settings: { ...settings, modelPath: file },
      first: { kind: 'read', path: unpruned.rowsPath },
    },
    { signal, onProgress: () => {} },
  );
  return { klByChunk: byChunk.kl, perplexity: perplexity.value };
}
