// A fit and its advice as JSON: everything that the report shows, and what it leaves out.
import { snakeCase } from '../../terminal/print.js';
import type { Advice } from './advice.js';
import type { Fit } from './fit.js';

export function fitJson({ device, memory, placed, speed, ...fit }: Fit) {
  const { bandwidthBytesPerSecond, computeFlops } = device;
  const known = {
    ...device,
    bandwidthBytesPerSecond: bandwidthBytesPerSecond || null,
    computeFlops: computeFlops || null,
  };
  return snakeCase({ device: known, ...fit, memory, placed, speed });
}

export function adviceJson({ bestType, maxCtx, cheapestChange }: Advice) {
  return snakeCase({
    bestType: bestType && {
      fileType: bestType.fileType,
      neededBytes: bestType.fit.neededBytes,
    },
    maxCtx,
    cheapestChange,
  });
}
