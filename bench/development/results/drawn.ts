// The repository's own results, from its rows to what README shows of them.
// Text in, text out, so that a test can hold what is committed to the rows.
// Writes nothing.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { MeasurementRow } from '../../../runtime/log/measurement-fields.js';
import { readResults } from '../../results/results-file.js';
import { drawPicture } from './picture.js';
import { type ModelSummary, summarise } from './summary.js';
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

/** `readme` with the table between its two comments, and the picture. Throws where they are not there. */
export function drawResults(
  readme: string,
  rows: readonly MeasurementRow[],
): { readme: string; picture: string } {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`README has no ${BEGIN.trim()} before ${END.trim()}`);
  const models = summarise(rows);
  const table = `\n${summaryTable(models)}\n`;
  return {
    readme: readme.slice(0, begin + BEGIN.length) + table + readme.slice(end),
    picture: drawPicture(models.filter(isLarge), 'Llama-2-7B’s shape at Q4_K_M, whole and pruned'),
  };
}

/** The small ones are mostly the process itself, and would be points beside these. */
function isLarge({ nParams }: ModelSummary): boolean {
  return nParams > 1e9;
}
