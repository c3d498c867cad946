// The documentation's table of measured models is what the committed rows say.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { drawResults, readRepositoryResults } from '../../../../bench/development/results/drawn.js';
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
