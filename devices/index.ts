export type { ModelShape } from './model-shape.js';
export { formatDisk, formatMemory, parseSize, SizeError } from './units.js';
