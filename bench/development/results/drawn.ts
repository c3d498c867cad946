// The repository's own results, from its rows to the tables that the documentation shows of them.
// Text in, text out, so that a test can hold what is committed to the rows.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { MeasurementRow } from '../../../runtime/log/measurement-fields.js';
import { readResults } from '../../results/results-file.js';
import { frontierRows } from '../real/frontier-rows.js';
import { realSection } from '../real/real-markdown.js';
import { type RealRow, readRealRows } from '../real/real-row.js';
import { summarise } from './summary.js';
import { summaryTable } from './summary-markdown.js';

/** All rows of the folder's files, in the order of their names. */
export function readRepositoryResults(folder: string): MeasurementRow[] {
  return readRows(folder, readResults);
}

/** As {@link readRepositoryResults}, of real models; none before any was measured. */
export function readRealResults(folder: string): RealRow[] {
  return existsSync(folder) ? readRows(folder, readRealRows) : [];
}

function readRows<Row>(folder: string, read: (text: string, file: string) => Row[]): Row[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  return files.sort().flatMap((name) => read(readFileSync(path.join(folder, name), 'utf8'), name));
}

/** `page` with the table of measured models between its two comments. Throws where they are not there. */
export function drawResults(page: string, rows: readonly MeasurementRow[]): string {
  return drawBetween(page, 'bench/results', summaryTable(summarise(rows)));
}

/** The same with what was measured of a real model. */
export function drawRealResults(page: string, rows: readonly RealRow[]): string {
  return drawBetween(page, 'bench/results/real', realSection(frontierRows(rows)));
}

function drawBetween(page: string, name: string, table: string): string {
  const begin = `<!-- ${name}: npm run draw:results -->\n`;
  const end = `<!-- ${name} ends -->\n`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`the page has no ${begin.trim()} before ${end.trim()}`);
  return `${page.slice(0, from + begin.length)}\n${table}\n${page.slice(to)}`;
}
