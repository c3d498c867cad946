// The pruned file: parts repaired for the widths that they keep, and convert's one pass over the original
// weights with what takes over in place of what goes. Chooses no widths. Prints nothing.
import { type ConvertSummary, convert } from '../converter/convert.js';
import type { PrepareOptions } from '../converter/prepare.js';
import type { FileType } from '../model/types/mixtures.js';
import { collectGarbage } from '../terminal/garbage.js';
import type { Calibration } from './calibration-file.js';
import { prunedImportance } from './calibration-fit.js';
import type { ChosenWidths } from './choose/choose-widths.js';
import type { DenseModel } from './dense-model.js';
import { pruningMetadata } from './pruning-metadata.js';
import type { RepairMode } from './repair/repair-linear.js';
import {
  asPruning,
  type RepairedPart,
  type RepairTools,
  repairPart,
} from './repair/repair-parts.js';
import type { Stage } from './stage.js';

export type WritingOptions = Pick<
  PrepareOptions,
  'checkpoint' | 'lora' | 'tokenizer' | 'chatTemplate' | 'name'
> & {
  output: string;
  force: boolean;
  type: FileType;
  repair: RepairMode;
  signal: AbortSignal;
  onStage: (stage: Stage) => void;
};

/** Those that become narrower. */
export async function repairParts(
  { repair: mode, signal, onStage }: Pick<WritingOptions, 'repair' | 'signal' | 'onStage'>,
  tools: RepairTools,
  widths: ChosenWidths,
): Promise<RepairedPart[]> {
  const repaired: RepairedPart[] = [];
  for (const [i, [part, nKept]] of [...widths].entries()) {
    signal.throwIfAborted();
    onStage({ name: 'repair', part: part.ggufName, done: i, of: widths.size });
    const done = await repairPart(tools, part, { nKept, mode });
    if (done) repaired.push(done);
  }
  return repaired;
}

export type RepairedModel = {
  dense: DenseModel;
  calibration: Calibration;
  repaired: RepairedPart[];
};

/** Of no repaired parts, the unpruned model. Throws as `convert` does. */
export async function writePruned(
  options: WritingOptions,
  { dense: { model }, calibration, repaired }: RepairedModel,
): Promise<ConvertSummary> {
  const { checkpoint, lora, tokenizer, chatTemplate, name, type, output, force, signal } = options;
  const removed = repaired.reduce(
    (sum, { part, groups }) => sum + (part.nGroups - groups.length) * part.paramsPerGroup,
    0,
  );
  const counts = { nParams: model.nParams - removed, nParamsDense: model.nParams };
  // Matrices of the last layer that was repaired are gigabytes, and would stay as long as the file is written.
  collectGarbage();
  options.onStage({ name: 'write', part: 'the header', done: 0, of: 1 });
  const metadata = pruningMetadata(calibration, repaired, { repair: options.repair, ...counts });
  return await convert({
    ...{ checkpoint, lora, tokenizer, chatTemplate, name, type, output, force, signal },
    ...(repaired.length > 0 && { pruning: asPruning(model, repaired, metadata) }),
    importance: prunedImportance(calibration.importance, repaired),
    onProgress: (progress) =>
      options.onStage({
        ...{ name: 'write', part: progress.name },
        ...{ done: progress.bytesDone, of: progress.totalBytes },
      }),
  });
}
