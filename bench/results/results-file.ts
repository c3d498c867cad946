// The file that measured rows travel in between machines: JSON Lines, one row a line, each line with
// the version of its schema, so that files can be cut and joined with any tool.
// Read as a stranger's: every value is checked before it comes near the log.

import { jsonObject } from '../../model/checkpoint/bounded-json.js';
import {
  type FieldKind,
  MEASUREMENT_FIELDS,
  type MeasurementRow,
} from '../../runtime/log/measurement-fields.js';

/** Raised when a column changes its meaning; a line of a later version is refused. */
const RESULTS_VERSION = 1;
const VERSION_KEY = 'hearth_results';

/** A row of 1000 repeats is 30 kB. */
const MAX_LINE_CHARS = 1_000_000;

/** A results file that cannot be taken in; the message names the line. */
export class ResultsError extends Error {
  override readonly name = 'ResultsError';
  readonly code = 'HEARTH_RESULTS';
}

/** One line, without its end. No column holds the machine's name, a user's or a folder's. */
export function resultLine(row: MeasurementRow): string {
  return JSON.stringify({ [VERSION_KEY]: RESULTS_VERSION, ...row });
}

/** The rows of a whole file. Throws {@link ResultsError}; then no row of it may be used. */
export function readResults(text: string, file: string): MeasurementRow[] {
  const lines = text.split('\n').map((line, index) => ({ line, where: `${file}:${index + 1}` }));
  return lines
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, where }) => readLine(line, where));
}

function readLine(line: string, where: string): MeasurementRow {
  if (line.length > MAX_LINE_CHARS)
    throw new ResultsError(
      `${where} is ${line.length} characters long, of at most ${MAX_LINE_CHARS}; it is not a line of hearth results export`,
    );
  const object = jsonObject(line);
  if (!object)
    throw new ResultsError(
      `${where} is not a JSON object; expected a line of hearth results export`,
    );
  const { [VERSION_KEY]: version, ...row } = object;
  checkVersion(version, where);
  const fields: [string, FieldKind][] = Object.entries(MEASUREMENT_FIELDS);
  for (const [name, kind] of fields) checkValue(row, name, kind, where);
  const unknown = Object.keys(row).find((name) => !(name in MEASUREMENT_FIELDS));
  if (unknown !== undefined)
    throw new ResultsError(
      `${where} has the column "${unknown}", which version ${RESULTS_VERSION} does not have; export it anew`,
    );
  return row as MeasurementRow;
}

function checkVersion(version: unknown, where: string): void {
  if (version === RESULTS_VERSION) return;
  if (typeof version === 'number' && version > RESULTS_VERSION)
    throw new ResultsError(
      `${where} is of version ${version}, written by a newer hearth; this one reads version ${RESULTS_VERSION}: update hearth`,
    );
  throw new ResultsError(
    `${where} has no "${VERSION_KEY}": ${RESULTS_VERSION}; expected a line of hearth results export`,
  );
}

const CHECKS: Record<string, { is: (value: unknown) => boolean; name: string }> = {
  text: { is: (value) => typeof value === 'string', name: 'a text' },
  integer: { is: Number.isSafeInteger, name: 'a whole number' },
  real: { is: Number.isFinite, name: 'a number' },
  integers: {
    is: (value) => Array.isArray(value) && value.length > 0 && value.every(Number.isSafeInteger),
    name: 'a list of whole numbers',
  },
};

function checkValue(
  row: Record<string, unknown>,
  name: string,
  kind: FieldKind,
  where: string,
): void {
  const value = row[name];
  const check = CHECKS[kind.replace('?', '')];
  if (kind.endsWith('?') && value === null) return;
  if (check?.is(value)) return;
  const found = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 40);
  throw new ResultsError(`${where}: "${name}" is ${found}, expected ${check?.name}`);
}
