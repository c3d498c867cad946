// Whether the model fits the memory of the device, beside the system and hearth itself.
// Asked before anything is built; from the answer follow the context and the service's limit.
// The machine that builds plays no part: the device's memory is what the user says it is.
import { budgetDevice, HEARTH_BYTES } from '../../devices/fit/budget-device.js';
import { openFitter } from '../../devices/fit/fitter.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { sizedModelOfGguf } from '../../model/shape/sized-model.js';
import { formatMemory } from '../../terminal/units.js';
import { ImageError } from './image-machine.js';

/** Of a device, where nothing else is said of it. */
export const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30;
/** What the booted system may take, its page cache apart. */
const SYSTEM_BYTES = 160 * 2 ** 20;

export type FittedModel = {
  nCtx: number;
  /** what the engine is predicted to take */
  neededBytes: number;
  /** most that hearth and its engine may take together; the rest is the system's */
  memoryMaxBytes: number;
};

/** Rejects with {@link ImageError} where it does not fit, MemoryPredictionError where it cannot run. */
export async function fitToDevice(
  modelPath: string,
  { memoryBytes, nCtx }: { memoryBytes: number; nCtx?: number | undefined },
): Promise<FittedModel> {
  const fitter = openFitter();
  try {
    const model = sizedModelOfGguf(await readGgufFile(modelPath));
    const reservedBytes = Math.min(memoryBytes, SYSTEM_BYTES + HEARTH_BYTES);
    const device = { ...budgetDevice(memoryBytes, null), reservedBytes };
    const asked = nCtx === undefined ? Math.min(4096, model.shape.nCtxTrain) : nCtx;
    const { verdict, neededBytes, budgetBytes, maxCtx, placed } = await fitter.fit(model, device, {
      nCtx: asked,
    });
    const memoryMaxBytes = memoryBytes - SYSTEM_BYTES;
    if (verdict.kind === 'fits') return { nCtx: asked, neededBytes, memoryMaxBytes };
    if (nCtx === undefined && maxCtx > 0)
      return { nCtx: maxCtx, neededBytes: placed.host.totalBytes, memoryMaxBytes };
    throw new ImageError(
      `${modelPath} needs ${formatMemory(neededBytes)} with ${asked} tokens of context, and the device has ${formatMemory(Math.max(0, budgetBytes))} for it of its ${formatMemory(memoryBytes)}; ${maxCtx > 0 ? `up to --ctx ${maxCtx} fit` : 'take a smaller model, or say --memory if the device has more'}`,
    );
  } finally {
    await fitter.close();
  }
}
