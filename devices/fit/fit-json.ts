// A fit and its advice as JSON: everything that the report shows, and what it leaves out.
// snake_case with units in the names, as everywhere in hearth's JSON.
// Decides nothing.
import type { MemoryParts, MemoryPrediction } from '../memory/memory-prediction.js';
import type { Advice } from './advice.js';
import type { Fit, FitVerdict } from './fit.js';

export function fitJson({ device, verdict, memory, placed, speed, ...fit }: Fit) {
  return {
    device: {
      id: device.id,
      name: device.name,
      kind: device.kind,
      backend: device.backend,
      memory_bytes: device.memoryBytes,
      reserved_bytes: device.reservedBytes,
      bandwidth_bytes_per_second: device.bandwidthBytesPerSecond || null,
      compute_flops: device.computeFlops || null,
    },
    verdict: verdictJson(verdict),
    needed_bytes: fit.neededBytes,
    budget_bytes: fit.budgetBytes,
    margin_bytes: fit.marginBytes,
    max_ctx: fit.maxCtx,
    memory: memoryJson(memory),
    placed: memoryJson(placed),
    speed: speed && {
      tg_tokens_per_second: speed.tgTokensPerSecond,
      pp_tokens_per_second: speed.ppTokensPerSecond,
      bytes_per_token: speed.bytesPerToken,
      basis: speed.basis,
    },
  };
}

export function adviceJson({ bestType, maxCtx, cheapestChange }: Advice) {
  return {
    best_type: bestType && {
      file_type: bestType.fileType,
      needed_bytes: bestType.fit.neededBytes,
    },
    max_ctx: maxCtx,
    cheapest_change: cheapestChange && snakeCase(cheapestChange),
  };
}

function verdictJson(verdict: FitVerdict) {
  return snakeCase(verdict);
}

function memoryJson({ device, host, ...prediction }: MemoryPrediction) {
  return {
    device: device && partsJson(device),
    host: partsJson(host),
    gpu_layers: prediction.gpuLayers,
    n_ctx: prediction.nCtx,
    n_cells: prediction.nCells,
    compute_source: prediction.computeSource,
  };
}

function partsJson(parts: MemoryParts) {
  return {
    weights_bytes: parts.weightsBytes,
    kv_bytes: parts.kvBytes,
    compute_bytes: parts.computeBytes,
    overhead_bytes: parts.overheadBytes,
    total_bytes: parts.totalBytes,
  };
}

function snakeCase(flat: object): Record<string, unknown> {
  const spell = (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(flat).map(([key, value]) => [spell(key), value]));
}
