// From LLM-Pruner's checkpoint to one GGUF: what a program may call.
export { CheckpointError } from './checkpoint/index.js';
export { type ConvertOptions, type ConvertSummary, convert } from './convert.js';
export { OutputError } from './gguf/index.js';
export { type Inspection, inspect } from './inspect.js';
export { type Prepared, type PrepareOptions, prepare } from './prepare.js';
export {
  FILE_TYPES,
  type FileType,
  fileTypeOf,
  findLlamaLibrary,
  MIXTURES,
} from './quantise/index.js';
export type { StreamProgress } from './stream/index.js';
