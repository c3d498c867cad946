// A planned file as prediction sees it: widths and tensors, before there is a file.
// The same as reading the GGUF afterwards, because the writer follows the plan to the byte.
// Predicts nothing.
import { architectureOf, type LlamaModel } from './model/index.js';
import type { PlannedTensor, QuantisePlan } from './quantise/index.js';

/** What `devices/` asks of a model to predict its memory and speed. */
export function sizedModelOfPlan(name: string, model: LlamaModel, plan: QuantisePlan) {
  const { layers, nEmbd } = plan.widths;
  return {
    shape: {
      name,
      arch: architectureOf(layers),
      nLayer: layers.length,
      nEmbd,
      nVocab: model.nVocab,
      nHead: layers.map(({ nHead }) => nHead),
      nHeadKv: layers.map(({ nHeadKv }) => nHeadKv),
      nFf: layers.map(({ nFf }) => nFf),
      headSize: model.headSize,
      nCtxTrain: model.nCtxTrain,
      tiedEmbeddings: model.tiedEmbeddings,
      nParams: model.nParams,
    },
    tensors: plan.tensors.map((tensor) => ({
      name: tensor.name,
      type: tensor.type,
      shape: shapeOf(tensor),
      sizeBytes: tensor.sizeBytes,
    })),
  };
}

/** The contiguous dimension first, as in a GGUF. */
function shapeOf({ nRows, nCols, nDims }: PlannedTensor): number[] {
  return nDims === 1 ? [nRows * nCols] : [nCols, nRows];
}
