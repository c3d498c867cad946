// Whether a calibration is of the model that is pruned, and what of it is of the model that is left.
import type { ImportanceMatrix } from '../model/imatrix/importance-matrix.js';
import { CalibrationError } from './calibration-error.js';
import type { Calibration } from './calibration-file.js';
import type { Part } from './dense-model.js';
import { statisticsOf } from './measured-part.js';
import type { RepairedPart } from './repair/repair-parts.js';

export type CalibrationNeeds = {
  path: string;
  /** Of the model; null where it is not known yet, and widths must tell. */
  digest: string | null;
  needsGrams: boolean;
  parts: readonly Part[];
};

/** Throws {@link CalibrationError} for another model's, and for one without what repairs need. */
export function checkCalibration(
  calibration: Calibration,
  { path, digest, needsGrams, parts }: CalibrationNeeds,
): void {
  const isOther = (part: Part) =>
    statisticsOf(calibration, part).n !== part.nGroups * part.groupSize;
  if ((digest !== null && calibration.modelDigest !== digest) || parts.some(isOther))
    throw new CalibrationError(
      `${path} is a calibration of another model: its tokenizer or its widths differ; leave --calibration out, or give this model's`,
    );
  const lacking = parts.find((part) => !statisticsOf(calibration, part).hasGram);
  if (needsGrams && lacking)
    throw new CalibrationError(
      `${path} has no Gram matrix of ${lacking.ggufName}; take --repair bias, or make it again with hearth calibrate --grams`,
    );
}

/** The importance of the columns that are left of pruned weights. */
export function prunedImportance(
  { columns, ...rest }: ImportanceMatrix,
  repaired: readonly RepairedPart[],
): ImportanceMatrix {
  const pruned = new Map(columns);
  for (const { part, kept } of repaired) {
    const name = `${part.ggufName}.weight`;
    const all = columns.get(name);
    if (all)
      pruned.set(
        name,
        Float32Array.from(kept, (column) => all[column] as number),
      );
  }
  return { ...rest, columns: pruned };
}
