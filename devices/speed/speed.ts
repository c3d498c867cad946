// How fast a model answers on a device that it fits: decoding reads all weights once a token, so the
// memory's bandwidth bounds it; a prompt is computed for many tokens at once, so arithmetic does.
// What share of either llama.cpp reaches is measured by others, and spreads: hence ranges.
import type { Backend } from '../../llama/settings.js';
import type { SizedModel } from '../../model/shape/sized-model.js';
import type { Device } from '../catalogue/device.js';
import type { MemoryPrediction } from '../memory/memory-prediction.js';

export type SpeedRange = { low: number; typical: number; high: number };

export type SpeedPrediction = {
  /** Tokens generated a second, with the context half full. */
  tgTokensPerSecond: SpeedRange;
  /** Tokens of prompt a second. */
  ppTokensPerSecond: SpeedRange;
  /** What is read for one token: weights without the embedding table, and the KV of half the context. */
  bytesPerToken: number;
  /** One line: how both were derived. */
  basis: string;
};

type Shares = { bandwidth: SpeedRange; compute: SpeedRange };

/**
 * Of the catalogue's bandwidth and compute, from published runs of llama.cpp; "to" is the spread.
 * cuda: Tesla P40 0.61 (https://github.com/ggml-org/llama.cpp/pull/4766) to RTX 4090 0.84
 *   (https://github.com/ggml-org/llama.cpp/pull/17505); prompts, RTX 4090 0.21
 *   (https://github.com/dmatora/LLM-inference-speed-benchmarks/issues/10).
 * vulkan: RX 5700 XT 0.32 (https://github.com/ggml-org/llama.cpp/pull/5835) to RX 6800 XT 0.70
 *   (https://github.com/ggml-org/llama.cpp/pull/2059); prompts 0.22 to 0.23 there, 0.39 on an
 *   RX 7900 XTX (https://github.com/ggml-org/llama.cpp/pull/26284).
 * metal: M1 Pro 0.67 to M2 0.80, prompts 0.60 to 0.78
 *   (https://github.com/ggml-org/llama.cpp/discussions/4167).
 * cpu: Raspberry Pi 5 0.57 to 0.62 (https://github.com/ggml-org/llama.cpp/issues/26484), N100 0.54,
 *   prompts 0.45 (https://github.com/brand-o/normiebench/issues/38).
 */
const SHARES: Readonly<Record<Backend, Shares>> = {
  cuda: {
    bandwidth: { low: 0.6, typical: 0.72, high: 0.85 },
    compute: { low: 0.15, typical: 0.25, high: 0.5 },
  },
  vulkan: {
    bandwidth: { low: 0.32, typical: 0.52, high: 0.7 },
    compute: { low: 0.2, typical: 0.3, high: 0.4 },
  },
  metal: {
    bandwidth: { low: 0.65, typical: 0.75, high: 0.86 },
    compute: { low: 0.55, typical: 0.65, high: 0.8 },
  },
  cpu: {
    bandwidth: { low: 0.5, typical: 0.57, high: 0.63 },
    compute: { low: 0.3, typical: 0.45, high: 0.5 },
  },
};

/**
 * Of what copying reached on the machine itself; reading by itself may be faster. Two cores of an EPYC
 * decode Llama-2-7B's shape, whole and pruned, at 0.64 to 0.93 of it (bench/results).
 */
const SHARE_OF_COPYING: SpeedRange = { low: 0.6, typical: 0.8, high: 1 };

/**
 * What a card's own memory does not hold is read by the CPU from the system's: two channels of DDR4
 * have 40 GB/s or more by their data sheets, of which {@link SHARES} says what the CPU reaches.
 */
const HOST_BYTES_PER_SECOND = 40e9;

/**
 * What a layer costs beside its bytes: starting kernels on a GPU, threads waiting for each other on a
 * CPU. From a small model on a fast card: 2.0 GB at 1008 GB/s took 4.2 ms a token over 36 layers
 * (https://github.com/ggml-org/llama.cpp/pull/12183). Without it, tiny models would be promised miracles.
 */
const SECONDS_PER_LAYER = { gpu: 40e-6, cpu: 10e-6 };

/** Of `model` on `device` as `memory` has it placed, with `kvShare` of its context in use. */
export function predictSpeed(
  model: SizedModel,
  device: Device,
  memory: MemoryPrediction,
  { kvShare = 0.5 }: { kvShare?: number } = {},
): SpeedPrediction {
  const { compute, bandwidth: shareOfSold } = SHARES[device.backend];
  const bandwidth = device.isBandwidthMeasured ? SHARE_OF_COPYING : shareOfSold;
  const { bytes, weights } = readPerToken(model);
  const kvBytes = (memory.device?.kvBytes ?? 0) + memory.host.kvBytes;
  const bytesPerToken = bytes + Math.round(kvBytes * kvShare);
  const isSplit = device.kind === 'discrete' && memory.device !== null;
  const hostBytes = isSplit
    ? Math.max(0, bytes - (memory.device?.weightsBytes ?? 0)) + memory.host.kvBytes * kvShare
    : 0;
  const seconds = (share: number, hostShare: number) =>
    (bytesPerToken - hostBytes) / (share * device.bandwidthBytesPerSecond) +
    hostBytes / (hostShare * HOST_BYTES_PER_SECOND) +
    model.shape.nLayer * SECONDS_PER_LAYER[device.backend === 'cpu' ? 'cpu' : 'gpu'];
  const host = SHARES.cpu.bandwidth;
  const computable = device.computeFlops / (2 * weights);
  return {
    tgTokensPerSecond: overRange((at) => 1 / seconds(bandwidth[at], host[at])),
    ppTokensPerSecond: overRange((at) => compute[at] * computable),
    bytesPerToken,
    basis: basisOf(device, { bandwidth, compute }, hostBytes > 0),
  };
}

function basisOf(device: Device, { bandwidth, compute }: Shares, isSplit: boolean): string {
  const { backend, bandwidthBytesPerSecond, computeFlops, isBandwidthMeasured } = device;
  const read = `${(bandwidthBytesPerSecond / 1e9).toFixed(1)} GB/s${isBandwidthMeasured ? ', copied here,' : ''}`;
  const computed = `${(computeFlops / 1e12).toFixed(2)} TFLOPS`;
  const onHost = `; layers on the CPU at ${percent(SHARES.cpu.bandwidth)} of ${HOST_BYTES_PER_SECOND / 1e9} GB/s, as of two channels of DDR4`;
  return `${backend} reads at ${percent(bandwidth)} of ${read} and computes at ${percent(compute)} of ${computed}, as published runs do${isSplit ? onHost : ''}`;
}

/** One row of the embedding table is read, unless the table is the output projection, too. */
function readPerToken({ shape, tensors }: SizedModel): { bytes: number; weights: number } {
  const read = tensors.filter(({ name }) => name !== 'token_embd.weight' || shape.tiedEmbeddings);
  return {
    bytes: read.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    weights: read.reduce((sum, tensor) => sum + tensor.shape.reduce((n, size) => n * size, 1), 0),
  };
}

function overRange(of: (at: keyof SpeedRange) => number): SpeedRange {
  return { low: of('low'), typical: of('typical'), high: of('high') };
}

function percent({ low, high }: SpeedRange): string {
  return `${Math.round(100 * low)} to ${Math.round(100 * high)} %`;
}
