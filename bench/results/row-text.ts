// Measured rows as text: a table for people, and what other tools read: JSON, CSV and SQL with
// llama-bench's column names, and its Markdown table.
import { stringify } from 'csv-stringify/sync';
import { MEASUREMENT_FIELDS, type MeasurementRow } from '../../runtime/log/measurement-fields.js';
import { inOneLine } from '../../terminal/foreign-text.js';
import { drawTable, shownColumns, type TableColumn } from '../../terminal/table.js';
import { formatMemory, formatParameters } from '../../terminal/units.js';

export const OUTPUT_FORMATS = ['table', 'json', 'csv', 'sql', 'md'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Ends with a line break; nothing of no rows, but for JSON, whose empty list is one. */
export function rowsText(rows: readonly MeasurementRow[], format: OutputFormat): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(rows.map(withSamplesTs), null, 2)}\n`;
    case 'csv':
      return stringify([...rows], { header: true, columns: PLAIN_FIELDS });
    case 'sql':
      return sqlText(rows);
    case 'md':
      return rows.length === 0 ? '' : markdown(rows);
    case 'table':
      return rows.length === 0 ? '' : tables(rows);
    default:
      throw new Error(`unknown format ${format satisfies never}`);
  }
}

/** What CSV and SQL hold, as llama-bench's do. */
const PLAIN_FIELDS = Object.keys(MEASUREMENT_FIELDS).filter((name) => name !== 'samples_ns');

function withSamplesTs(row: MeasurementRow) {
  const tokens = row.ttft_ms === null ? row.n_prompt + row.n_gen : row.n_gen;
  return { ...row, samples_ts: row.samples_ns.map((ns) => (tokens * 1e9) / ns) };
}

function sqlText(rows: readonly MeasurementRow[]): string {
  const fields = Object.entries(MEASUREMENT_FIELDS).filter(([name]) => PLAIN_FIELDS.includes(name));
  const columns = fields.map(([name, kind]) => `  ${name} ${kind.replace('?', '').toUpperCase()}`);
  const names = PLAIN_FIELDS.join(', ');
  const inserts = rows.map((row) => {
    const values = PLAIN_FIELDS.map((name) => sqlValue(row[name as keyof MeasurementRow]));
    return `INSERT INTO llama_bench (${names}) VALUES (${values.join(', ')});\n`;
  });
  return `CREATE TABLE IF NOT EXISTS llama_bench (\n${columns.join(',\n')}\n);\n\n${inserts.join('')}`;
}

function sqlValue(value: unknown): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
}

type RowColumn = TableColumn<MeasurementRow>;

/** Those of llama-bench, and behind them hearth's. */
const COLUMNS: RowColumn[] = [
  { head: 'model', cell: (row) => row.model_name },
  { head: 'size', align: 'right', cell: (row) => size(row.model_size) },
  { head: 'params', align: 'right', cell: (row) => formatParameters(row.model_n_params) },
  { head: 'backend', cell: (row) => row.backends },
  { head: 'ngl', align: 'right', cell: (row) => (row.gpu_info ? String(row.n_gpu_layers) : '') },
  { head: 'threads', align: 'right', cell: (row) => String(row.n_threads) },
  { head: 'device', cell: (row) => row.device ?? '' },
  {
    head: 'simulated',
    cell: (row) =>
      row.budget_bytes === null ? '' : `${size(row.budget_bytes)} by ${row.budget_by}`,
  },
  { head: 'test', cell: (row) => row.test },
  { head: 't/s', align: 'right', cell: (row) => row.median_ts.toFixed(2) },
  { head: '±', align: 'right', cell: (row) => row.stddev_ts.toFixed(2) },
  { head: 'predicted', align: 'right', cell: (row) => row.predicted_ts?.toFixed(2) ?? '' },
  {
    head: 'TTFT',
    align: 'right',
    cell: (row) => (row.ttft_ms === null ? '' : `${row.ttft_ms.toFixed(0)} ms`),
  },
];

/** Each behind it as it was predicted. */
const MEMORY_COLUMNS: RowColumn[] = [
  ...withPrediction('weights', 'weights_bytes', 'predicted_weights_bytes'),
  ...withPrediction('KV', 'kv_bytes', 'predicted_kv_bytes'),
  ...withPrediction('compute', 'compute_bytes', 'predicted_compute_bytes'),
  ...withPrediction('peak RSS', 'peak_rss_bytes', 'predicted_host_bytes'),
  ...withPrediction('GPU', 'device_peak_bytes', 'predicted_device_bytes'),
];

type ByteField = Extract<keyof MeasurementRow, `${string}_bytes`>;

function withPrediction(head: string, field: ByteField, predicted: ByteField): RowColumn[] {
  return [
    { head, align: 'right', cell: (row) => size(row[field]) },
    { head: 'predicted', align: 'right', cell: (row) => size(row[predicted]) },
  ];
}

/** Speed above, memory below: side by side they are wider than a terminal. */
function tables(rows: readonly MeasurementRow[]): string {
  const test = COLUMNS.filter(({ head }) => head === 'test');
  return `${drawTable(COLUMNS, rows)}\n\n${drawTable([...test, ...MEMORY_COLUMNS], rows)}\n`;
}

function markdown(rows: readonly MeasurementRow[]): string {
  const columns = shownColumns([...COLUMNS, ...MEMORY_COLUMNS], rows);
  const line = (cells: string[]) => `| ${cells.join(' | ')} |\n`;
  const cells = rows.map((row) =>
    line(columns.map(({ cell }) => inOneLine(cell(row)).replaceAll('|', '\\|'))),
  );
  return (
    line(columns.map(({ head }) => head)) +
    line(columns.map(({ align }) => (align ? '--:' : '---'))) +
    cells.join('')
  );
}

function size(bytes: number | null): string {
  return bytes === null ? '' : formatMemory(bytes);
}
