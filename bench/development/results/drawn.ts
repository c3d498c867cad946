// The repository's own results, from its rows to the table that the documentation shows of them.
// Text in, text out, so that a test can hold what is committed to the rows.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { MeasurementRow } from '../../../runtime/log/measurement-fields.js';
import { readResults } from '../../results/results-file.js';
import { summarise } from './summary.js';
import { summaryTable } from './summary-markdown.js';

const BEGIN = '<!-- bench/results: npm run draw:results -->\n';
const END = '<!-- bench/results ends -->\n';

/** All rows of the folder's files, in the order of their names. */
export function readRepositoryResults(folder: string): MeasurementRow[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  return files
    .sort()
    .flatMap((name) => readResults(readFileSync(path.join(folder, name), 'utf8'), name));
}

/** `page` with the table between its two comments. Throws where they are not there. */
export function drawResults(page: string, rows: readonly MeasurementRow[]): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`the page has no ${BEGIN.trim()} before ${END.trim()}`);
  const table = `\n${summaryTable(summarise(rows))}\n`;
  return page.slice(0, begin + BEGIN.length) + table + page.slice(end);
}
