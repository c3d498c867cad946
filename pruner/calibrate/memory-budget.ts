// How much memory is left for Gram matrices beside the model that is calibrated.
// Counts what the process takes for certain; where it does not fit, the pass says how much is missing.
import { type LlamaSettings, N_UBATCH } from '../../llama/model-settings.js';
import type { GgufFile } from '../../model/gguf/gguf-file.js';
import { shapeOfGguf } from '../../model/shape/model-shape.js';

/** Node, llama.cpp's code, rows at hand, and what allocators keep. */
const PROCESS_BYTES = 320 * 2 ** 20;
/** Products that are computed before they are added to a Gram matrix, and the rows transposed. */
const PANEL_BYTES = 64 * 2 ** 20;

type GramBudget = {
  settings: LlamaSettings;
  chunkSize: number;
  /** What is free by default. */
  memoryBytes: number | undefined;
};

/** May be negative. */
export function gramMemory(
  file: GgufFile,
  { settings, chunkSize, memoryBytes }: GramBudget,
): number {
  const budget = memoryBytes ?? process.availableMemory();
  const isOnGpu = settings.gpu !== false && settings.gpuLayers !== 0;
  const model = isOnGpu ? 0 : weightBytes(file) + cacheBytes(file, chunkSize);
  return budget - model - logitBytes(file, chunkSize) - PROCESS_BYTES - PANEL_BYTES;
}

function weightBytes({ tensors }: GgufFile): number {
  return tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Keys and values of float32. */
function cacheBytes(file: GgufFile, chunkSize: number): number {
  const { nHeadKv, headSize } = shapeOfGguf(file);
  return nHeadKv.reduce((sum, heads) => sum + 8 * heads * headSize * chunkSize, 0);
}

/** Of all tokens that are computed together, where they are computed and where they are kept. */
function logitBytes(file: GgufFile, chunkSize: number): number {
  return 2 * 4 * Math.min(chunkSize, N_UBATCH) * shapeOfGguf(file).nVocab;
}
