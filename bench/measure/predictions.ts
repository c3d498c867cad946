// What each point is predicted to take and how fast it is to be: to stand beside what is measured, so
// that a wrong prediction is seen and its factors can be fitted. Made before the points are measured,
// from the file, the settings and this machine's bandwidth only.
import type { Device } from '../../devices/catalogue/device.js';
import { budgetDevice } from '../../devices/fit/budget-device.js';
import {
  type MemoryPrediction,
  type MemorySettings,
  nullOfRefusal,
} from '../../devices/memory/memory-prediction.js';
import { openMemoryPredictor } from '../../devices/memory/predictor.js';
import { measureBandwidth } from '../../devices/probe/bandwidth.js';
import { predictSpeed, type SpeedPrediction } from '../../devices/speed/speed.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import { type SizedModel, sizedModelOfGguf } from '../../model/shape/sized-model.js';
import type { EngineInfo } from '../../runtime/engine/engine.js';
import type { MeasurementRow } from '../../runtime/log/measurement-fields.js';
import type { MeasuredPoint } from './points.js';

export type PredictedColumns = Pick<
  MeasurementRow,
  Extract<keyof MeasurementRow, `predicted_${string}`>
>;

export type PredictedPoint = MeasuredPoint & {
  /** Tokens that its context is made for. */
  nCtx: number;
  /** Tokens evaluated at once, where that is not the engine's choice. */
  nBatch?: number;
};

/** One for each point; null columns where llama.cpp cannot plan it, or the device's speed is not known. */
export async function predictPoints(
  info: EngineInfo,
  device: Device | null,
  points: readonly PredictedPoint[],
): Promise<PredictedColumns[]> {
  const model = sizedModelOfGguf(await readGgufFile(info.modelPath));
  const known = device ?? (await thisMachine(info));
  // A card's bandwidth says nothing of a run on the CPU beside it.
  const speedOf = known && isOnGpu(known) === isOnGpu(info) ? known : null;
  const predictor = openMemoryPredictor();
  try {
    return await Promise.all(
      points.map(async (point) => {
        const settings = memorySettingsOf(info, point);
        const memory = await predictor.predict(model, settings).catch(nullOfRefusal);
        const isTimed = speedOf && (point.nPrompt === 0 || speedOf.computeFlops > 0);
        return {
          ...memoryColumns(memory),
          ...(memory && isTimed ? speedColumns(model, speedOf, memory, point) : NO_SPEED),
        };
      }),
    );
  } finally {
    await predictor.close();
  }
}

export function isOnGpu({ backend }: Pick<Device, 'backend'>): boolean {
  return backend !== 'cpu';
}

/** As the engine loaded it, with this context. */
export function memorySettingsOf(
  info: EngineInfo,
  { nCtx, nBatch }: Pick<PredictedPoint, 'nCtx' | 'nBatch'>,
): MemorySettings {
  const { backend, kvType, gpuLayers, flashAttention, mmap } = info;
  const batch = nBatch === undefined ? {} : { nBatch };
  return { backend, nCtx, ...batch, kvType, gpuLayers, flashAttention, mmap };
}

/** What memory it has is of no account here. Null for a GPU, whose bandwidth no test of ours measures. */
async function thisMachine({ backend, threads }: EngineInfo): Promise<Device | null> {
  if (backend !== 'cpu') return null;
  const bandwidthBytesPerSecond = await measureBandwidth({ threads });
  return { ...budgetDevice(0, null), bandwidthBytesPerSecond, isBandwidthMeasured: true };
}

function memoryColumns(memory: MemoryPrediction | null) {
  const sum = (part: 'weightsBytes' | 'kvBytes' | 'computeBytes') =>
    memory && memory.host[part] + (memory.device?.[part] ?? 0);
  return {
    predicted_weights_bytes: sum('weightsBytes'),
    predicted_kv_bytes: sum('kvBytes'),
    predicted_compute_bytes: sum('computeBytes'),
    predicted_host_bytes: memory?.host.totalBytes ?? null,
    predicted_device_bytes: memory?.device?.totalBytes ?? null,
  };
}

const NO_SPEED = { predicted_ts: null, predicted_ts_low: null, predicted_ts_high: null };

function speedColumns(
  model: SizedModel,
  device: Device,
  memory: MemoryPrediction,
  point: PredictedPoint,
) {
  const { nPrompt, nDepth, nGen } = point;
  const kvShare = Math.min(1, (nPrompt + nDepth + nGen / 2) / memory.nCells);
  const speed = predictSpeed(model, device, memory, { kvShare });
  return {
    predicted_ts: rate(point, speed, 'typical'),
    predicted_ts_low: rate(point, speed, 'low'),
    predicted_ts_high: rate(point, speed, 'high'),
  };
}

/** As measured: a prompt's tokens where nothing is generated, else those that are. */
function rate(
  { nPrompt, nGen }: MeasuredPoint,
  { ppTokensPerSecond: pp, tgTokensPerSecond: tg }: SpeedPrediction,
  which: 'low' | 'typical' | 'high',
): number {
  const seconds = (nPrompt > 0 ? nPrompt / pp[which] : 0) + nGen / tg[which];
  return (nGen || nPrompt) / seconds;
}
