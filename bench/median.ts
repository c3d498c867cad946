// The middle of measured values: one slow round on a shared machine does not move it.
// The mean of the two middle ones where there is no single one.

/** NaN of nothing, so that what was not measured meets no bar. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
