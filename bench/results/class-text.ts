// How results by class look in a terminal: first what was measured, then how good predictions were.
// Real devices and simulated ones stand in tables of their own.
import { queryTable } from '../../runtime/log/log-tables.js';
import { formatMemory } from '../../terminal/units.js';
import type { ClassError, ClassPoint } from './by-class.js';

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
