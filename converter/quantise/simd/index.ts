export { preferSimd } from './self-check.js';
export type { Quantise } from './simd-kernels.js';
