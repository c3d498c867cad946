// npm run draw:results: what the documentation shows of bench/results/, anew from the rows: the tables in
// docs/measure-and-compare.md, between two comments each, and the picture of the frontier.
// A test holds both to the rows.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { frontierPicture } from './real/frontier-picture.js';
import { frontierRows } from './real/frontier-rows.js';
import {
  drawRealResults,
  drawResults,
  readRealResults,
  readRepositoryResults,
} from './results/drawn.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const PAGE = path.join(ROOT, 'docs/measure-and-compare.md');
const PICTURE = path.join(ROOT, 'docs/pictures/frontier.svg');
const RESULTS = path.join(ROOT, 'bench/results');

const realRows = readRealResults(path.join(RESULTS, 'real'));
const page = drawResults(readFileSync(PAGE, 'utf8'), readRepositoryResults(RESULTS));
writeFileSync(PAGE, drawRealResults(page, realRows));
if (realRows.length > 0) writeFileSync(PICTURE, frontierPicture(frontierRows(realRows)));
