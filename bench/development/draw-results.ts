// npm run draw:results: README's table and picture of bench/results/, anew from the rows there.
// What stands between the two comments in README is replaced; a test holds both to the rows.
// Measures nothing.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { drawResults, readRepositoryResults } from './results/drawn.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const README = path.join(ROOT, 'README.md');

const { readme, picture } = drawResults(
  readFileSync(README, 'utf8'),
  readRepositoryResults(path.join(ROOT, 'bench/results')),
);
writeFileSync(README, readme);
writeFileSync(path.join(ROOT, 'bench/results/measured.svg'), picture);
