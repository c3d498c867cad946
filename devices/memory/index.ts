// Predicting memory: what a model takes of a GPU and of the system before it is loaded.

export { predictPlanned } from './assemble.js';
export type {
  KvType,
  MemoryParts,
  MemoryPrediction,
  MemoryPredictor,
  MemorySettings,
  SizedModel,
  WeightTensor,
} from './contract.js';
export type { LocalGpu } from './dry-run/protocol.js';
export { MemoryPredictionError } from './memory-error.js';
export { openMemoryPredictor } from './predictor.js';
export { sizedModelOfGguf } from './sized-model.js';
