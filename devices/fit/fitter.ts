// Whether a model fits a device, and if not, what would: the memory it is predicted to take against
// the device's, less what the system keeps and a margin for what prediction misses.
// What a card cannot hold may lie in the system's memory, which is taken to be large enough.
import type { SizedModel } from '../../model/shape/sized-model.js';
import type { Device } from '../catalogue/device.js';
import type { MemoryPrediction, MemoryPredictor } from '../memory/memory-prediction.js';
import { openMemoryPredictor } from '../memory/predictor.js';
import { predictSpeed } from '../speed/speed.js';
import type { Fit, FitRequest, FitVerdict } from './fit.js';

export interface Fitter {
  /** Rejects with `MemoryPredictionError` for a model that llama.cpp cannot run. */
  fit(model: SizedModel, device: Device, request: FitRequest): Promise<Fit>;
  /** Ends the child process. */
  close(): Promise<void>;
}

/** Predictions are within 2 % or 50 MiB of what is measured, whichever is more. */
const MARGIN_SHARE = 0.02;
const MIN_MARGIN_BYTES = 50 * 2 ** 20;
const DEFAULT_CONTEXT = 4096;
/** llama.cpp's KV cache grows by so many cells. */
const CONTEXT_STEP = 256;

export function openFitter(predictor: MemoryPredictor = openMemoryPredictor()): Fitter {
  return {
    fit: async (model, device, request) => await fitModel(model, device, { predictor, ...request }),
    close: async () => await predictor.close(),
  };
}

async function fitModel(
  model: SizedModel,
  device: Device,
  { predictor, ...request }: FitRequest & { predictor: MemoryPredictor },
): Promise<Fit> {
  const { nCtx = Math.min(DEFAULT_CONTEXT, model.shape.nCtxTrain) } = request;
  const freeBytes = device.memoryBytes - device.reservedBytes;
  const marginBytes = Math.round(Math.max(MIN_MARGIN_BYTES, MARGIN_SHARE * freeBytes));
  const budgetBytes = Math.max(0, freeBytes - marginBytes);
  const predict = async (settings: { nCtx: number; gpuLayers?: number }) =>
    await predictor.predict(model, { ...request, ...settings, backend: device.backend });
  const needs = async (nCtx: number) => countedBytes(await predict({ nCtx }), device);
  const memory = await predict({ nCtx });
  const neededBytes = countedBytes(memory, device);
  const maxCtx = await largestContext(model.shape.nCtxTrain, budgetBytes, needs);
  const split = async () => {
    if (device.kind !== 'discrete' || request.gpuLayers !== undefined) return null;
    const { nLayer } = model.shape;
    return await mostLayers(nLayer, budgetBytes, async (gpuLayers) =>
      countedBytes(await predict({ nCtx, gpuLayers }), device),
    );
  };
  const judge = async (): Promise<FitVerdict> => {
    if (neededBytes <= budgetBytes) return { kind: 'fits' };
    const shorter = maxCtx > 0 ? { kind: 'fits-up-to-context' as const, nCtx: maxCtx } : null;
    // A context that was asked for is kept, if need be with layers on the slow side.
    const isCtxKept = request.nCtx !== undefined;
    const found = isCtxKept ? ((await split()) ?? shorter) : (shorter ?? (await split()));
    return found ?? { kind: 'does-not-fit', missingBytes: neededBytes - budgetBytes };
  };
  const verdict = await judge();
  const placed = await predict({ nCtx, ...settingsOf(verdict) });
  // A bare amount of memory has no bandwidth.
  const isSpeedKnown = verdict.kind !== 'does-not-fit' && device.bandwidthBytesPerSecond > 0;
  return {
    device,
    verdict,
    memory,
    placed,
    neededBytes,
    budgetBytes,
    marginBytes,
    maxCtx,
    speed: isSpeedKnown ? predictSpeed(model, device, placed) : null,
  };
}

/** Of a prediction, what comes out of the device's memory. */
export function countedBytes({ device: onGpu, host }: MemoryPrediction, device: Device): number {
  if (onGpu === null) return host.totalBytes;
  return onGpu.totalBytes + (device.kind === 'shared' ? host.totalBytes : 0);
}

/** How the verdict has the model loaded. */
function settingsOf(verdict: FitVerdict): { nCtx?: number; gpuLayers?: number } {
  if (verdict.kind === 'fits-up-to-context') return { nCtx: verdict.nCtx };
  return verdict.kind === 'fits-with-cpu-layers' ? { gpuLayers: verdict.gpuLayers } : {};
}

/** As many layers as the card holds; null where it holds not even the output. */
async function mostLayers(
  nLayer: number,
  budgetBytes: number,
  needs: (gpuLayers: number) => Promise<number>,
): Promise<FitVerdict | null> {
  let [fitting, tooMany] = [0, nLayer + 1];
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2);
    if ((await needs(middle)) <= budgetBytes) fitting = middle;
    else tooMany = middle;
  }
  if (fitting === 0) return null;
  const cpuLayers = nLayer + 1 - fitting;
  return { kind: 'fits-with-cpu-layers', gpuLayers: fitting, cpuLayers };
}

/** In whole steps, up to `most`; 0 where not even one step fits. Memory grows evenly with context. */
async function largestContext(
  most: number,
  budgetBytes: number,
  needs: (nCtx: number) => Promise<number>,
): Promise<number> {
  const [least, full] = [await needs(CONTEXT_STEP), await needs(most)];
  if (full <= budgetBytes) return most;
  if (least > budgetBytes) return 0;
  const bytesPerToken = (full - least) / (most - CONTEXT_STEP);
  const steps = Math.floor(1 + (budgetBytes - least) / bytesPerToken / CONTEXT_STEP);
  let nCtx = CONTEXT_STEP * Math.max(1, steps);
  while (nCtx > CONTEXT_STEP && (await needs(nCtx)) > budgetBytes) nCtx -= CONTEXT_STEP;
  while (nCtx + CONTEXT_STEP < most && (await needs(nCtx + CONTEXT_STEP)) <= budgetBytes)
    nCtx += CONTEXT_STEP;
  return nCtx;
}
