// The documentation's tables of measured models, and the picture, are what the committed rows say.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { frontierPicture } from '../../../../bench/development/real/frontier-picture.js';
import { frontierRows } from '../../../../bench/development/real/frontier-rows.js';
import { readRealRows, rowName } from '../../../../bench/development/real/real-row.js';
import {
  drawRealResults,
  drawResults,
  readRealResults,
  readRepositoryResults,
} from '../../../../bench/development/results/drawn.js';
import { summarise } from '../../../../bench/development/results/summary.js';
import { packageRoot } from '../../../support/samples.js';
import { measurementRow } from '../../measurement-rows.js';

const folder = path.join(packageRoot, 'bench/results');
const page = readFileSync(path.join(packageRoot, 'docs/measure-and-compare.md'), 'utf8');

t.test('what is committed is drawn from the rows; else run npm run draw:results', (t) => {
  const rows = readRepositoryResults(folder);
  t.ok(rows.length > 0);
  t.equal(drawResults(page, rows), page);
  t.throws(() => drawResults('nothing', rows), /page has no/);
  t.end();
});

t.test('so is a real model, with its picture; each row has the commands that make it', (t) => {
  const rows = readRealResults(path.join(folder, 'real'));
  t.equal(drawRealResults(page, rows), page);
  const file = path.join(packageRoot, 'docs/pictures/frontier.svg');
  const picture = existsSync(file) ? readFileSync(file, 'utf8') : null;
  t.equal(rows.length > 0 ? frontierPicture(frontierRows(rows)) : null, picture);
  for (const row of rows)
    t.match(row.commands.at(-1), /^hearth (convert|prune) .* -o [\w.-]+\.gguf$/, rowName(row));
  t.throws(() => readRealRows('{}', 'x.jsonl'), /x\.jsonl:1 has no "hearth_real": 1/);
  t.end();
});

t.test('memory was predicted within 2 % or 50 MiB of the peak of every process', (t) => {
  const models = summarise(readRepositoryResults(folder));
  for (const { name, peakRssBytes, predictedRssBytes } of models) {
    const allowedBytes = Math.max(0.02 * peakRssBytes, 50 * 2 ** 20);
    t.ok(Math.abs(peakRssBytes - predictedRssBytes) <= allowedBytes, name);
  }
  t.end();
});

t.test('simulated rows and software Vulkan’s speed are not in the table', (t) => {
  const answer = { backends: 'CPU', gpu_info: '', ttft_ms: 9, peak_rss_bytes: 2 ** 30 };
  const [model] = summarise([
    measurementRow({ ...answer, test: 'answer128' }),
    measurementRow({ backends: 'Vulkan', test: 'tg128', median_ts: 1 }),
    measurementRow({ ...answer, budget_bytes: 2 ** 33, peak_rss_bytes: 1 }),
  ]);
  t.match(model, { peakRssBytes: 2 ** 30, tgTs: null });
  t.end();
});
