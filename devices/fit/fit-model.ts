// What hearth fit is asked about: a GGUF, or a checkpoint as the file that convert would make of it.
// Either way the same shape is planned in every type, best first, for the advice.
// Reads headers alone: no weight, and no tokenizer, as a checkpoint without one fits the same.
import { stat } from 'node:fs/promises';
import { openCheckpoint } from '../../model/checkpoint/checkpoint.js';
import { type GgufFile, isGguf, readGgufFile } from '../../model/gguf/gguf-file.js';
import { describeLlama, type LlamaModel } from '../../model/shape/llama-model.js';
import { type SizedModel, sizedModelOfGguf } from '../../model/shape/sized-model.js';
import { type FileType, fileTypeOf, fileTypesFor } from '../../model/types/mixtures.js';
import { planQuantisation } from '../../model/types/quantise-plan.js';
import { sizedModelOfPlan } from '../../model/types/sized-plan.js';
import type { TypedModel } from './advice.js';

export type FitModel = {
  kind: 'gguf' | 'checkpoint';
  /** Null for a mixture that hearth does not know. */
  fileType: FileType | null;
  model: SizedModel;
  /** The same widths in every type, best quality first. */
  types(): Generator<TypedModel>;
};

/**
 * `fileType` is what a checkpoint is planned as, Q4_K_M by default; a GGUF has its own.
 * Rejects with `CheckpointError` or `GgufFileError`.
 */
export async function openFitModel(path: string, fileType: FileType = 'Q4_K_M'): Promise<FitModel> {
  if (await isGguf(path)) return openGguf(await readGgufFile(path));
  // A path that is not there is told of as a file, which is what was most likely meant.
  if (!(await stat(path).catch(() => null))) return openGguf(await readGgufFile(path));
  const llama = describeLlama(await openCheckpoint(path));
  const model = sizedModelOfPlan(llama, planQuantisation(llama, fileType));
  return { kind: 'checkpoint', fileType, model, types: () => everyType(llama) };
}

function openGguf(file: GgufFile): FitModel {
  const model = sizedModelOfGguf(file);
  const fileType = fileTypeOf(file.metadata['general.file_type']);
  return { kind: 'gguf', fileType, model, types: () => everyType(llamaOf(model)) };
}

/**
 * No checkpoint of LLM-Pruner has more than half precision; and a type that cannot be made without an
 * importance matrix is no advice to somebody who may have none.
 */
const TYPES = fileTypesFor({ hasImatrix: false }).filter((type) => type !== 'F32');

function* everyType(llama: LlamaModel): Generator<TypedModel> {
  for (const fileType of TYPES)
    yield { fileType, model: sizedModelOfPlan(llama, planQuantisation(llama, fileType)) };
}

/** As far as sizes go; what only the arithmetic of an answer needs is left at Llama-2's. */
function llamaOf({ shape }: SizedModel): LlamaModel {
  return {
    ...{ nEmbd: shape.nEmbd, nVocab: shape.nVocab, headSize: shape.headSize },
    layers: shape.nHead.map((nHead, i) => ({
      nHead,
      nHeadKv: shape.nHeadKv[i] as number,
      nFf: shape.nFf[i] as number,
    })),
    biases: new Set(),
    tiedEmbeddings: shape.tiedEmbeddings,
    nCtxTrain: shape.nCtxTrain,
    ...{ rmsNormEps: 1e-5, ropeTheta: 10_000, ropeScaling: { kind: 'none' } },
    nParams: shape.nParams,
  };
}
