// How the model is loaded that is calibrated: as llama-imatrix loads it, on the GPU as far as it fits there.
// Where it does not fit whole, layers stay on the CPU, by the memory that is predicted. Loads nothing.
import os from 'node:os';
import type { MemoryPredictor } from '../../devices/memory/memory-prediction.js';
import { openMemoryPredictor } from '../../devices/memory/predictor.js';
import { checkModel } from '../../devices/memory/resolved-settings.js';
import { type Gpus, probeGpus } from '../../devices/probe/gpus.js';
import { GGML_TYPES } from '../../llama/ggml-types.js';
import { type LlamaSettings, librariesFor } from '../../llama/model-settings.js';
import type { GpuBackend, GpuChoice } from '../../llama/settings.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { type SizedModel, sizedModelOfGguf } from '../../model/shape/sized-model.js';
import { CalibrationError } from '../calibration-error.js';

export type CalibrationSettingsOptions = {
  modelPath: string;
  gpu?: GpuChoice;
  /** All of them compute every batch; by default as many as are quickest. */
  threads?: number | undefined;
  chunkSize: number;
};

export type CalibrationSettings = Omit<LlamaSettings, 'modelPath'>;

/** Throws {@link CalibrationError} where a GPU that was asked for is not there or too small. */
export async function calibrationSettings({
  modelPath,
  gpu = 'auto',
  threads,
  chunkSize,
}: CalibrationSettingsOptions): Promise<CalibrationSettings> {
  const model = sizedModelOfGguf(await readGgufFile(modelPath));
  checkModel(model);
  const found = gpu === 'off' ? null : await findGpu(gpu);
  const gpuLayers = found === null ? 0 : await layersOnGpu(model, found, chunkSize);
  if (found && gpuLayers === 0 && gpu !== 'auto')
    throw new CalibrationError(
      `not even one layer of ${modelPath} fits the GPU's free memory; free some, or pass --gpu off`,
    );
  const backend = found && gpuLayers > 0 ? found.backend : false;
  return {
    gpu: backend,
    libraries: librariesFor(backend),
    gpuLayers,
    kvTypeId: GGML_TYPES.F16.id,
    threads: threads ?? os.availableParallelism(),
    hasFixedThreads: threads !== undefined,
    flashAttention: true,
    mmap: backend !== false,
  };
}

/** Null where `auto` finds none. Throws {@link CalibrationError} where the one that was asked for is not there. */
export async function findGpu(gpu: 'auto' | GpuBackend): Promise<Gpus | null> {
  const reply = await probeGpus();
  if (reply.kind === 'gpus' && (gpu === 'auto' || gpu === reply.gpus.backend)) return reply.gpus;
  if (gpu === 'auto') return null;
  const why = reply.kind === 'failed' ? ` (${reply.reason})` : '';
  throw new CalibrationError(`llama.cpp finds no ${gpu} GPU here${why}; pass --gpu auto or off`);
}

/** Of the GPU's free memory, what a model may take: the prediction is no promise. */
const SHARE = 0.95;

/** As many as are predicted to fit, the output counting as one. */
async function layersOnGpu(model: SizedModel, gpus: Gpus, chunkSize: number): Promise<number> {
  const predictor = openMemoryPredictor();
  try {
    let [fits, tooMany] = [0, model.shape.nLayer + 2];
    let tried = tooMany - 1;
    while (fits + 1 < tooMany) {
      if (await isFitting(predictor, model, { gpus, chunkSize, gpuLayers: tried })) fits = tried;
      else tooMany = tried;
      tried = Math.floor((fits + tooMany) / 2);
    }
    return fits;
  } finally {
    await predictor.close();
  }
}

async function isFitting(
  predictor: MemoryPredictor,
  model: SizedModel,
  { gpus, chunkSize, gpuLayers }: { gpus: Gpus; chunkSize: number; gpuLayers: number },
): Promise<boolean> {
  const { backend, freeBytes, isShared } = gpus;
  const { device, host } = await predictor.predict(model, { backend, nCtx: chunkSize, gpuLayers });
  const needed = (device?.totalBytes ?? 0) + (isShared ? host.totalBytes : 0);
  return needed <= SHARE * freeBytes;
}
