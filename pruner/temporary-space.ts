// Whether the disk of the temporary folder holds what a pruning keeps there meanwhile, asked before any long work.
// Counts what is large: the unpruned model, Gram matrices and held-out rows, repaired weights. Writes nothing.
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { gramBytes } from '../llama/gram-matrix.js';
import type { LlamaModel } from '../model/shape/llama-model.js';
import type { FileType } from '../model/types/mixtures.js';
import { planQuantisation } from '../model/types/quantise-plan.js';
import { OutputError } from '../terminal/output-file.js';
import { formatDisk } from '../terminal/units.js';
import { DEFAULT_HELD_OUT } from './calibrate/calibrate.js';
import type { Part } from './dense-model.js';

export type TemporaryFiles = {
  model: LlamaModel;
  parts: readonly Part[];
  denseType: FileType;
  /** Whether a calibration with Gram matrices is made, and kept nowhere else. */
  hasGrams: boolean;
};

/** Throws {@link OutputError}, which says where else such files can lie. */
export async function checkTemporarySpace(folder: string, files: TemporaryFiles): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const neededBytes = temporaryBytes(files);
  if (bavail * bsize > neededBytes) return;
  throw new OutputError(
    os.tmpdir(),
    `pruning keeps ${formatDisk(neededBytes)} there meanwhile, and its disk has ${formatDisk(bavail * bsize)} free; free some space, or set TMPDIR to a folder on another disk`,
  );
}

function temporaryBytes({ model, parts, denseType, hasGrams }: TemporaryFiles): number {
  const dense = planQuantisation(model, denseType).weightsBytes;
  return parts.reduce((sum, { nGroups, groupSize }) => {
    const n = nGroups * groupSize;
    const statistics = hasGrams ? gramBytes(n) + 4 * n * DEFAULT_HELD_OUT : 0;
    return sum + statistics + 4 * n * model.nEmbd;
  }, dense);
}
