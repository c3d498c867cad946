// npm run draw:results: the table of bench/results/ in docs/measure-and-compare.md, anew from the rows.
// What stands between the two comments there is replaced; a test holds it to the rows.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { drawResults, readRepositoryResults } from './results/drawn.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const PAGE = path.join(ROOT, 'docs/measure-and-compare.md');

const rows = readRepositoryResults(path.join(ROOT, 'bench/results'));
writeFileSync(PAGE, drawResults(readFileSync(PAGE, 'utf8'), rows));
