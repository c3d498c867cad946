// The Llama behind a checkpoint and the tensors and pairs that a GGUF of it has.
export { architectureOf, describeLlama, type LayerWidths, type LlamaModel } from './llama-model.js';
export { modelMetadata } from './model-metadata.js';
export { readRopeScaling, readRopeTheta } from './rope.js';
export {
  listTensors,
  type ModelTensor,
  type StoredWidths,
  type TensorRole,
} from './tensor-list.js';
