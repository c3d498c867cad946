// The best model for a device: of all types the least pruning that fits, unpruned ones included; those that
// promise most are written and measured, and the one that drifts least from the unpruned model is the output.
// Prints nothing.
import type { ConvertSummary } from '../../converter/convert.js';
import type { Device } from '../../devices/catalogue/device.js';
import { openFitter } from '../../devices/fit/fitter.js';
import { openCheckpoint } from '../../model/checkpoint/checkpoint.js';
import { openLora } from '../../model/checkpoint/lora/lora.js';
import type { FileType } from '../../model/types/mixtures.js';
import { checkBeforehand } from '../calibrated-model.js';
import { type DenseModel, listParts, openDenseModel, type Part } from '../dense-model.js';
import { type ComparisonOptions, openComparison } from './comparison.js';
import { fittingPairs } from './fitting-pairs.js';
import { nothingFits } from './nothing-fits.js';
import type { Pair } from './pair.js';
import { type SearchResult, searchPairs } from './search-pairs.js';

export type PruneForOptions = ComparisonOptions & {
  device: Device;
  /** Tokens of context that must fit; by default the model's, at most 4096. */
  nCtx: number | undefined;
  /** Tokens a second that are wanted. */
  minTps: number | null;
  /** The only one that is compared; by default all are. */
  type: FileType | undefined;
  /** Before any long work. */
  onPairs: (pairs: readonly Pair[]) => void;
};

export type PruneForSummary = SearchResult & { file: ConvertSummary; calibrationTokens: number };

/** Throws `CheckpointError`, also where nothing fits, and otherwise as `prune` does. */
export async function pruneFor(options: PruneForOptions): Promise<PruneForSummary> {
  const { signal } = options;
  const checkpoint = await openCheckpoint(options.checkpoint, { signal });
  await checkBeforehand(options, checkpoint.files);
  const lora = options.lora === undefined ? null : await openLora(options.lora, checkpoint);
  const dense = openDenseModel(checkpoint, lora);
  try {
    const parts = listParts(dense.model, options.layers);
    const pairs = await findPairs(options, dense, parts);
    options.onPairs(pairs);
    const comparison = await openComparison(options, { dense, parts, pairs });
    try {
      const result = await searchPairs(pairs, comparison);
      const file = await comparison.finish(result);
      return { ...result, file, calibrationTokens: comparison.calibrationTokens };
    } finally {
      await comparison.close();
    }
  } finally {
    dense.close();
  }
}

/** Throws where nothing fits. */
export async function findPairs(
  { device, nCtx, minTps, type, repair, checkpoint }: PruneForOptions,
  { model }: DenseModel,
  parts: readonly Part[],
): Promise<Pair[]> {
  const fitter = openFitter();
  try {
    const { pairs, nearest } = await fittingPairs(parts, {
      ...{ model, minTps, hasBiases: repair !== 'none' },
      ...(type && { types: [type] }),
      fit: (sized) => fitter.fit(sized, device, { nCtx }),
    });
    if (nearest) throw nothingFits(nearest, { minTps, type, path: checkpoint });
    return pairs;
  } finally {
    await fitter.close();
  }
}
