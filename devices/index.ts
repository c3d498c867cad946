export { GGML_TYPES, type GgmlType, rowSizeBytes } from './ggml-types.js';
export type { ModelShape } from './model-shape.js';
export { formatDisk, formatMemory, parseSize, SizeError } from './units.js';
