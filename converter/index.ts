// From LLM-Pruner's checkpoint to one GGUF: what a program may call.

export { findLlamaLibrary } from '../llama/libraries.js';
export { CheckpointError } from '../model/checkpoint/checkpoint-error.js';
export {
  type ImportanceMatrix,
  ImportanceMatrixError,
} from '../model/imatrix/importance-matrix.js';
export { readImportanceMatrix } from '../model/imatrix/read-importance-matrix.js';
export { FILE_TYPES, type FileType, fileTypeOf, MIXTURES } from '../model/types/mixtures.js';
export { OutputError } from '../terminal/output-file.js';
export { type ConvertOptions, type ConvertSummary, convert } from './convert.js';
export { type Inspection, inspect } from './inspect.js';
export { type Prepared, type PrepareOptions, prepare } from './prepare.js';
export type { StreamProgress } from './stream/stream-tensors.js';
