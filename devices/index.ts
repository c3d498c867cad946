export { type ByteProgress, type ByteProgressDisplay, showByteProgress } from './byte-progress.js';
export {
  type CatalogueOptions,
  deviceCatalogue,
  findDevice,
  UnknownDeviceError,
} from './catalogue/catalogue.js';
export { CatalogueError } from './catalogue/catalogue-file.js';
export type { Backend, Device } from './catalogue/device.js';
export {
  clearProgressLine,
  inOneLine,
  interruptible,
  noteAs,
  print,
  printable,
  showProgressLine,
} from './command-line.js';
export { devicesFlag } from './devices-flag.js';
export {
  type Advice,
  adviceJson,
  advise,
  budgetDevice,
  type Change,
  changeText,
  type Fit,
  type FitRequest,
  type Fitter,
  type FitVerdict,
  fitJson,
  fitTable,
  fitText,
  openFitter,
  type TypedModel,
  verdictText,
} from './fit/index.js';
export { many, number, one, text, valueFlag, wholeNumber } from './flag-readers.js';
export {
  type AnyGgmlType,
  FOREIGN_GGML_TYPES,
  GGML_TYPES,
  type GgmlType,
  ggmlTypeById,
  ggmlTypeId,
  rowSizeBytes,
} from './ggml-types.js';
export {
  type GgufFile,
  GgufFileError,
  type GgufTensor,
  type GgufValue,
  readGgufFile,
} from './gguf-file.js';
export {
  type KvType,
  type LocalGpu,
  type MemoryParts,
  type MemoryPrediction,
  MemoryPredictionError,
  type MemoryPredictor,
  type MemorySettings,
  openMemoryPredictor,
  predictPlanned,
  type SizedModel,
  sizedModelOfGguf,
  type WeightTensor,
} from './memory/index.js';
export { type ModelShape, shapeOfGguf } from './model-shape.js';
export { asOutputError, OutputError, type OutputFile, openOutput } from './output-file.js';
export { measureBandwidth } from './probe/bandwidth.js';
export { describeMachine } from './probe/machine.js';
export { type MachineProbe, probeMachine } from './probe/probe.js';
export type { SpeedPrediction } from './speed/contract.js';
export { predictSpeed } from './speed/speed.js';
export { ThreadTuner, threadCounts, tryThreads } from './thread-tuner.js';
export { formatDisk, formatMemory, parseSize, SizeError } from './units.js';
export { hearthVersion } from './version.js';
