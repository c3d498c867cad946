// What fits where, for a program: the catalogue, this machine, memory and speed of a model, and fitting.

export { tryThreads } from '../llama/first-thread-trial.js';
export {
  type AnyGgmlType,
  FOREIGN_GGML_TYPES,
  GGML_TYPES,
  type GgmlType,
  ggmlTypeById,
  ggmlTypeId,
  rowSizeBytes,
} from '../llama/ggml-types.js';
export type { Backend, KvType } from '../llama/settings.js';
export { ThreadTuner, threadCounts } from '../llama/thread-tuner.js';
export {
  type GgufFile,
  GgufFileError,
  type GgufTensor,
  type GgufValue,
  readGgufFile,
} from '../model/gguf/gguf-file.js';
export { type ModelShape, shapeOfGguf } from '../model/shape/model-shape.js';
export {
  type SizedModel,
  sizedModelOfGguf,
  type WeightTensor,
} from '../model/shape/sized-model.js';
export { formatDisk, formatMemory, parseSize, SizeError } from '../terminal/units.js';
export {
  type CatalogueOptions,
  deviceCatalogue,
  findDevice,
  UnknownDeviceError,
} from './catalogue/catalogue.js';
export { CatalogueError } from './catalogue/catalogue-file.js';
export type { Device } from './catalogue/device.js';
export { type Advice, advise, type Change, type TypedModel } from './fit/advice.js';
export { budgetDevice } from './fit/budget-device.js';
export type { Fit, FitRequest, FitVerdict } from './fit/fit.js';
export { adviceJson, fitJson } from './fit/fit-json.js';
export { changeText, fitTable, fitText, verdictText } from './fit/fit-report.js';
export { type Fitter, openFitter } from './fit/fitter.js';
export { predictPlanned } from './memory/assemble.js';
export type { LocalGpu } from './memory/dry-run/dry-run-protocol.js';
export {
  type MemoryParts,
  type MemoryPrediction,
  MemoryPredictionError,
  type MemoryPredictor,
  type MemorySettings,
} from './memory/memory-prediction.js';
export { openMemoryPredictor } from './memory/predictor.js';
export { measureBandwidth } from './probe/bandwidth.js';
export { describeMachine } from './probe/machine.js';
export { type MachineProbe, probeMachine } from './probe/probe.js';
export { predictSpeed, type SpeedPrediction } from './speed/speed.js';
