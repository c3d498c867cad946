// Measured rows by the class of device that they are of, each beside what was predicted for it; and
// how far predictions are off in a class, from which the catalogue's factors can be fitted.
// A simulated run is a class of its own: it is never mixed with the device that it stands for, and stands
// in a table of its own.

import { queryTable } from '../../runtime/log/log-tables.js';
import type { MeasurementRow } from '../../runtime/log/measurement-fields.js';
import { formatMemory } from '../../terminal/units.js';
import { median } from '../median.js';

type ClassPoint = ReturnType<typeof pointsByClass>[number];
type ClassError = ReturnType<typeof errorsByClass>[number];

/** All rows of one class, model and test as one, in the order of these. */
export function pointsByClass(rows: readonly MeasurementRow[]) {
  return groupBy(rows, (row) => ({
    device: deviceOf(row),
    simulated: row.budget_bytes !== null,
    model: row.model_name,
    test: row.test,
  })).map(([shared, group]) => ({
    ...shared,
    rows: group.length,
    median_ts: median(group.map((row) => row.median_ts)),
    min_ts: Math.min(...group.map((row) => row.min_ts)),
    max_ts: Math.max(...group.map((row) => row.max_ts)),
    predicted_ts: medianOf(group, 'predicted_ts'),
    peak_rss_bytes: medianOf(group, 'peak_rss_bytes'),
    device_peak_bytes: medianOf(group, 'device_peak_bytes'),
  }));
}

/** Of the points that had a prediction; a whole answer is both kinds, and neither. */
export function errorsByClass(rows: readonly MeasurementRow[]) {
  const predicted = rows.filter((row) => row.predicted_ts !== null && row.ttft_ms === null);
  return groupBy(predicted, (row) => ({
    device: deviceOf(row),
    simulated: row.budget_bytes !== null,
    // pp reads prompts, tg generates.
    kind: row.n_gen > 0 ? ('tg' as const) : ('pp' as const),
  })).map(([shared, group]) => {
    const factors = group.map((row) => row.median_ts / Number(row.predicted_ts));
    return {
      ...shared,
      rows: factors.length,
      // Of measured by predicted: what the class's factor is to be multiplied with.
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

/** By what `sharedOf` says of a row, in the order of its texts. */
function groupBy<Shared>(
  rows: readonly MeasurementRow[],
  sharedOf: (row: MeasurementRow) => Shared,
): [shared: Shared, rows: MeasurementRow[]][] {
  const groups = new Map<string, [Shared, MeasurementRow[]]>();
  for (const row of rows) {
    const shared = sharedOf(row);
    const key = JSON.stringify(Object.values(shared as object));
    const group = groups.get(key) ?? [shared, []];
    group[1].push(row);
    groups.set(key, group);
  }
  return [...groups.keys()]
    .sort()
    .flatMap((key) => [groups.get(key) ?? []] as [Shared, MeasurementRow[]][]);
}

function medianOf(
  rows: readonly MeasurementRow[],
  field: 'predicted_ts' | 'peak_rss_bytes' | 'device_peak_bytes',
): number | null {
  const values = rows.map((row) => row[field]).filter((value) => value !== null);
  return values.length === 0 ? null : median(values);
}

export function classText(points: readonly ClassPoint[], errors: readonly ClassError[]): string {
  const parts = [
    section('Measured', points.filter(({ simulated }) => !simulated).map(pointCells)),
    section(
      'Simulated: held to a budget, no real device of that size',
      points.filter(({ simulated }) => simulated).map(pointCells),
    ),
    section('Measured by predicted', errors.map(errorCells)),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function section(title: string, rows: Record<string, string>[]): string {
  return rows.length === 0 ? '' : `${title}\n${queryTable(rows)}\n`;
}

function pointCells(point: ClassPoint): Record<string, string> {
  const { predicted_ts: predicted, peak_rss_bytes: rss, device_peak_bytes: gpu } = point;
  return {
    device: point.device,
    model: point.model,
    test: point.test,
    rows: String(point.rows),
    't/s': point.median_ts.toFixed(2),
    range: `${point.min_ts.toFixed(2)} to ${point.max_ts.toFixed(2)}`,
    predicted: predicted?.toFixed(2) ?? '',
    'peak RSS': rss === null ? '' : formatMemory(rss),
    GPU: gpu === null ? '' : formatMemory(gpu),
  };
}

function errorCells(error: ClassError): Record<string, string> {
  return {
    device: error.device,
    kind: error.kind,
    rows: String(error.rows),
    factor: error.factor.toFixed(2),
    off: `${error.error_percent.toFixed(0)} %`,
  };
}
