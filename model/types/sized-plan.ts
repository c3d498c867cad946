// A planned file as memory prediction reads it, so that it can be predicted before it is written.
// Tensors come from the plan itself, in its order, so the prediction is that of the file to come.
// Reads and writes nothing.
import { architectureOf, type LlamaModel } from '../shape/llama-model.js';
import type { ModelShape } from '../shape/model-shape.js';
import type { SizedModel } from '../shape/sized-model.js';
import type { QuantisePlan } from './quantise-plan.js';

export function sizedModelOfPlan(model: LlamaModel, plan: QuantisePlan, name = ''): SizedModel {
  const { widths } = plan;
  const shape: ModelShape = {
    name,
    arch: architectureOf(widths.layers),
    nLayer: widths.layers.length,
    nEmbd: widths.nEmbd,
    nVocab: model.nVocab,
    nHead: widths.layers.map(({ nHead }) => nHead),
    nHeadKv: widths.layers.map(({ nHeadKv }) => nHeadKv),
    nFf: widths.layers.map(({ nFf }) => nFf),
    headSize: model.headSize,
    nCtxTrain: model.nCtxTrain,
    tiedEmbeddings: model.tiedEmbeddings,
    nParams: model.nParams,
  };
  const tensors = plan.tensors.map(({ name, type, nRows, nCols, nDims, sizeBytes }) => ({
    ...{ name, type, sizeBytes },
    shape: nDims === 1 ? [nRows * nCols] : [nCols, nRows],
  }));
  return { shape, tensors };
}
