// Which type every tensor gets and llama.cpp's own kernels that make it so.
export { findLlamaLibrary, type Kernels, loadKernels } from './kernels.js';
export { FILE_TYPES, type FileType, fileTypeOf, MIXTURES } from './mixtures.js';
export { type PlannedTensor, planQuantisation, planWithin, type QuantisePlan } from './plan.js';
