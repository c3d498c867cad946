// Everything that reads a stranger's checkpoint; see checkpoint.ts for the way in.
export { type Checkpoint, openCheckpoint } from './checkpoint.js';
export { CheckpointError } from './checkpoint-error.js';
export { type Lora, type LoraPair, openLora } from './lora/lora.js';
export type { StoredTokenizer } from './stored-tokenizer.js';
export type { Dtype, TensorSource } from './tensor-source.js';
export { readTokenizerFolder } from './tokenizer-folder.js';
