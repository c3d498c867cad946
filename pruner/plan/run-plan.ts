// What the pruned model takes of the device that is to run it, and how fast it answers there: a device of
// the catalogue, or this machine, of whose speed nothing is known beforehand.
import os from 'node:os';
import type { Device } from '../../devices/catalogue/device.js';
import { budgetDevice } from '../../devices/fit/budget-device.js';
import type { Fit } from '../../devices/fit/fit.js';
import { openFitter } from '../../devices/fit/fitter.js';
import type { MemoryPredictor } from '../../devices/memory/memory-prediction.js';
import { openMemoryPredictor } from '../../devices/memory/predictor.js';
import type { GpuChoice } from '../../llama/settings.js';
import type { SizedModel } from '../../model/shape/sized-model.js';

export type RunOptions = {
  /** Null for this machine. */
  device: Device | null;
  /** By default the model's, at most 4096. */
  nCtx: number | undefined;
  gpu: GpuChoice;
};

/** Rejects with `MemoryPredictionError` for what llama.cpp cannot run. */
export async function planRun(model: SizedModel, { device, nCtx, gpu }: RunOptions): Promise<Fit> {
  const predictor = openMemoryPredictor();
  const fitter = openFitter(predictor);
  try {
    return await fitter.fit(model, device ?? (await thisMachine(predictor, gpu)), { nCtx });
  } finally {
    await fitter.close();
  }
}

/** Its bandwidth is not known: what copying reaches says little of two cores that are slow at arithmetic. */
async function thisMachine(predictor: MemoryPredictor, gpu: GpuChoice): Promise<Device> {
  const found = gpu === 'off' ? null : await predictor.localGpu();
  const memoryBytes = Math.min(process.constrainedMemory() || os.totalmem(), os.totalmem());
  const device = budgetDevice(found?.totalBytes ?? memoryBytes, found);
  return { ...device, id: 'here', name: `this machine's ${found ? 'GPU' : 'CPU'}` };
}
