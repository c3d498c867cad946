// Weights in pieces from the checkpoint's files to the output, on all cores.
export { SourceHashes } from './source-hashes.js';
export { type StreamProgress, streamTensors } from './stream-tensors.js';
export type { TensorJob } from './tensor-job.js';
