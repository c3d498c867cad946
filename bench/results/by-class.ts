// Measured rows by the class of device that they are of, each beside what was predicted for it; and
// how far predictions are off in a class, from which the catalogue's factors can be fitted.
// A simulated run is a class of its own: it is never mixed with the device that it stands for.
import type { MeasurementRow } from '../../runtime/log/measurement-fields.js';
import { median } from '../median.js';

/** All rows of one point: the same class, model and test. */
export type ClassPoint = {
  device: string;
  simulated: boolean;
  model: string;
  test: string;
  rows: number;
  median_ts: number;
  min_ts: number;
  max_ts: number;
  predicted_ts: number | null;
  peak_rss_bytes: number | null;
  device_peak_bytes: number | null;
};

export type ClassError = {
  device: string;
  simulated: boolean;
  /** pp reads prompts, tg generates. */
  kind: 'pp' | 'tg';
  rows: number;
  /** Median of measured by predicted: what the class's factor is to be multiplied with. */
  factor: number;
  /** Median of the distance from 1, in percent. */
  error_percent: number;
};

/** In the order of class, model and test. */
export function pointsByClass(rows: readonly MeasurementRow[]): ClassPoint[] {
  const groups = groupBy(rows, (row) =>
    JSON.stringify([deviceOf(row), row.budget_bytes !== null, row.model_name, row.test]),
  );
  return [...groups.keys()].sort().map((key) => {
    const [device, simulated, model, test] = JSON.parse(key) as [string, boolean, string, string];
    const group = groups.get(key) ?? [];
    return {
      ...{ device, simulated, model, test, rows: group.length },
      median_ts: median(group.map((row) => row.median_ts)),
      min_ts: Math.min(...group.map((row) => row.min_ts)),
      max_ts: Math.max(...group.map((row) => row.max_ts)),
      predicted_ts: medianOf(group, 'predicted_ts'),
      peak_rss_bytes: medianOf(group, 'peak_rss_bytes'),
      device_peak_bytes: medianOf(group, 'device_peak_bytes'),
    };
  });
}

/** Of the points that had a prediction. */
export function errorsByClass(rows: readonly MeasurementRow[]): ClassError[] {
  const predicted = rows.filter((row) => row.predicted_ts !== null && kindOf(row) !== null);
  const groups = groupBy(predicted, (row) =>
    JSON.stringify([deviceOf(row), row.budget_bytes !== null, kindOf(row)]),
  );
  return [...groups.keys()].sort().map((key) => {
    const [device, simulated, kind] = JSON.parse(key) as [string, boolean, 'pp' | 'tg'];
    const factors = (groups.get(key) ?? []).map((row) => row.median_ts / Number(row.predicted_ts));
    return {
      ...{ device, simulated, kind, rows: factors.length },
      factor: median(factors),
      error_percent: 100 * median(factors.map((factor) => Math.abs(factor - 1))),
    };
  });
}

/** The class; else the GPU, else the CPU; with the budget where the run was held to one. */
function deviceOf(row: MeasurementRow): string {
  const device = row.device ?? (row.gpu_info || row.cpu_info);
  if (row.budget_bytes === null) return device;
  return `${device}, held to ${(row.budget_bytes / 2 ** 30).toFixed(2)} GiB`;
}

/** Null for a whole answer, which is both. */
function kindOf(row: MeasurementRow): 'pp' | 'tg' | null {
  if (row.ttft_ms !== null) return null;
  return row.n_gen > 0 ? 'tg' : 'pp';
}

function groupBy(
  rows: readonly MeasurementRow[],
  keyOf: (row: MeasurementRow) => string,
): Map<string, MeasurementRow[]> {
  const groups = new Map<string, MeasurementRow[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return groups;
}

function medianOf(
  rows: readonly MeasurementRow[],
  field: 'predicted_ts' | 'peak_rss_bytes' | 'device_peak_bytes',
): number | null {
  const values = rows.map((row) => row[field]).filter((value) => value !== null);
  return values.length === 0 ? null : median(values);
}
