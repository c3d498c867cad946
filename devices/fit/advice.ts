// What to do about a fit: the best type that fits, the largest context, and where it does not fit the
// change that costs least. Each is tried with the same prediction that judged the fit.
// Which change costs least is a fixed order, by what it does to answers.
import type { SizedModel } from '../../model/shape/sized-model.js';
import type { Device } from '../catalogue/device.js';
import { nullOfRefusal } from '../memory/memory-prediction.js';
import type { Fit, FitRequest } from './fit.js';
import type { Fitter } from './fitter.js';

/** The same model in another type; best quality first. */
export type TypedModel = { fileType: string; model: SizedModel };

export type Change =
  | { kind: 'kv-type'; kvType: 'Q8_0' }
  | { kind: 'context'; nCtx: number }
  | { kind: 'type'; fileType: string }
  | { kind: 'cpu-layers'; gpuLayers: number; cpuLayers: number }
  | { kind: 'parallel'; parallel: 1 }
  | { kind: 'prune' };

export type Advice = {
  /** Of the types given, the best that fits with the context that was asked for; null where none does. */
  bestType: { fileType: string; fit: Fit } | null;
  /** Largest contexts that fit, by type of the KV cache; 0 where none does. */
  maxCtx: { F16: number; Q8_0: number };
  /** Null where it fits as it is. */
  cheapestChange: Change | null;
};

export type AdviceRequest = {
  fitter: Fitter;
  device: Device;
  request: FitRequest;
  /** Of the model as it is. */
  fit: Fit;
  model: SizedModel;
  types: () => Iterable<TypedModel>;
};

export async function advise(asked: AdviceRequest): Promise<Advice> {
  const { fitter, device, request, fit, model } = asked;
  const withKv = async (kvType: 'F16' | 'Q8_0') =>
    await fitter.fit(model, device, { ...request, kvType }).catch(nullOfRefusal);
  const [half, eight] = [await withKv('F16'), await withKv('Q8_0')];
  const bestType = await findBestType(asked);
  return {
    bestType,
    maxCtx: { F16: half?.maxCtx ?? 0, Q8_0: eight?.maxCtx ?? 0 },
    cheapestChange:
      fit.verdict.kind === 'fits' ? null : await findChange(asked, { eight, bestType }),
  };
}

async function findBestType(asked: AdviceRequest): Promise<Advice['bestType']> {
  const { fitter, device, request, fit, types } = asked;
  // As it was for the fit, so that a type is not praised for a shorter context.
  const whole = { ...request, nCtx: fit.memory.nCtx };
  for (const { fileType, model } of types()) {
    const found = await fitter.fit(model, device, whole);
    if (found.verdict.kind === 'fits') return { fileType, fit: found };
  }
  return null;
}

/** Half the context that was asked for is nearer to it than another type of weights. */
const WORTHWHILE_CONTEXT = 0.5;

async function findChange(
  { fitter, device, request, fit, model }: AdviceRequest,
  { eight, bestType }: { eight: Fit | null; bestType: Advice['bestType'] },
): Promise<Change> {
  if (eight?.verdict.kind === 'fits') return { kind: 'kv-type', kvType: 'Q8_0' };
  if ((request.parallel ?? 1) > 1) {
    const alone = await fitter.fit(model, device, { ...request, parallel: 1 });
    if (alone.verdict.kind === 'fits') return { kind: 'parallel', parallel: 1 };
  }
  if (fit.maxCtx >= WORTHWHILE_CONTEXT * fit.memory.nCtx)
    return { kind: 'context', nCtx: fit.maxCtx };
  if (bestType) return { kind: 'type', fileType: bestType.fileType };
  if (fit.maxCtx > 0) return { kind: 'context', nCtx: fit.maxCtx };
  const { verdict } = fit;
  if (verdict.kind === 'fits-with-cpu-layers')
    return { kind: 'cpu-layers', gpuLayers: verdict.gpuLayers, cpuLayers: verdict.cpuLayers };
  return { kind: 'prune' };
}
