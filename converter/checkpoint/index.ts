// Everything that reads a stranger's checkpoint; see checkpoint.ts for the way in.
export { type Checkpoint, openCheckpoint } from './checkpoint.js';
export { CheckpointError } from './checkpoint-error.js';
export { checkConfig } from './llama-config.js';
export { type Lora, type LoraPair, openLora } from './lora/lora.js';
export { readJsonFile } from './source-file.js';
export type { StoredTokenizer } from './stored-tokenizer.js';
export { findHeadSize } from './structure.js';
export { DTYPE_BYTES, type Dtype, isCount, type TensorSource } from './tensor-source.js';
export { readTokenizerFiles } from './tokenizer-folder.js';
