// Which type of the unpruned model takes the memory of a pruned one: the honest opponent, since pruning
// and fewer bits are two ways to the same card. Both sides by the same prediction, so that neither
// profits from how memory is measured. Makes no file.
import type { TypedModel } from '../../devices/fit/advice.js';
import type { MemoryPrediction, MemoryPredictor } from '../../devices/memory/memory-prediction.js';
import type { FileType } from '../../model/types/mixtures.js';
import { memorySettingsOf } from '../measure/predictions.js';
import type { Compared, EqualMemory } from './comparison.js';

export type Opponent = Pick<EqualMemory, 'type' | 'denseBytes'>;

/**
 * The largest of `types` that is predicted to take at most `memoryBytes`; where none does, the
 * smallest's bytes with `type` null.
 */
export async function findOpponent(
  types: Iterable<TypedModel>,
  memoryBytes: number,
  predict: (model: TypedModel['model']) => Promise<MemoryPrediction>,
): Promise<Opponent> {
  let found: { type: FileType; denseBytes: number } | null = null;
  let smallestBytes = Number.POSITIVE_INFINITY;
  for (const { fileType, model } of types) {
    const denseBytes = totalBytes(await predict(model));
    smallestBytes = Math.min(smallestBytes, denseBytes);
    if (denseBytes > memoryBytes || denseBytes <= (found?.denseBytes ?? 0)) continue;
    found = { type: fileType as FileType, denseBytes };
  }
  return found ?? { type: null, denseBytes: smallestBytes };
}

/** As `model` was loaded, or else as the first that was. */
export function predictorLike(
  model: Compared,
  { models, predictor, nCtx }: { models: Compared[]; predictor: MemoryPredictor; nCtx: number },
): (sized: TypedModel['model']) => Promise<MemoryPrediction> {
  const info = model.info ?? models.find(({ info }) => info)?.info;
  const settings = info ? memorySettingsOf(info, { nCtx }) : { backend: 'cpu' as const, nCtx };
  return (sized) => predictor.predict(sized, settings);
}

/** GPU and system together. */
export function totalBytes({ device, host }: MemoryPrediction): number {
  return (device?.totalBytes ?? 0) + host.totalBytes;
}
