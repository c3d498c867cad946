// How much memory is left for Gram matrices beside the model that is calibrated.
// Counts what the process takes for certain; where it does not fit, the pass says how much is missing.
import { ggmlTypeById, rowSizeBytes } from '../../llama/ggml-types.js';
import { type LlamaSettings, N_UBATCH } from '../../llama/model-settings.js';
import type { GgufFile } from '../../model/gguf/gguf-file.js';
import { type ModelShape, shapeOfGguf } from '../../model/shape/model-shape.js';
import { formatMemory } from '../../terminal/units.js';
import { CalibrationError } from '../calibration-error.js';

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

/** May be negative. Throws {@link CalibrationError} where the model alone takes more than it may. */
export function gramMemory(
  file: GgufFile,
  { settings, chunkSize, memoryBytes }: GramBudget,
): number {
  const { gpu, gpuLayers, kvTypeId } = settings;
  const isOnGpu = gpu !== false && gpuLayers !== 0;
  const weights = file.tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const own = besideBytes(shapeOfGguf(file), { chunkSize, kvTypeId });
  const model = isOnGpu ? 0 : weights + own.cache;
  if (memoryBytes !== undefined && model > memoryBytes)
    throw new CalibrationError(
      `${file.path} takes ${formatMemory(model)} with its KV cache, of ${formatMemory(memoryBytes)} that calibrating may take; raise --memory, or calibrate the model in a smaller type`,
    );
  return (memoryBytes ?? process.availableMemory()) - own.process - model;
}

/** What is taken beside weights and Gram matrices: where the model is computed, and by the process in any case. */
export function besideBytes(
  { nHeadKv, headSize, nVocab }: Pick<ModelShape, 'nHeadKv' | 'headSize' | 'nVocab'>,
  { chunkSize, kvTypeId }: { chunkSize: number; kvTypeId: number },
): { cache: number; process: number } {
  const type = ggmlTypeById(kvTypeId) ?? 'F32';
  const cells = chunkSize * nHeadKv.reduce((sum, heads) => sum + heads, 0);
  // Of all tokens that are computed together, where they are computed and where they are kept.
  const logits = 2 * 4 * Math.min(chunkSize, N_UBATCH) * nVocab;
  return {
    cache: 2 * cells * rowSizeBytes(type, headSize),
    process: logits + PROCESS_BYTES + PANEL_BYTES,
  };
}
