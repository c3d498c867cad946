// What is drawn of a real model's rows: what no other pair beats, in the tables and in the picture alike.
import t from 'tap';
import { frontierPicture } from '../../../../bench/development/real/frontier-picture.js';
import { frontierRows } from '../../../../bench/development/real/frontier-rows.js';
import { realSection } from '../../../../bench/development/real/real-markdown.js';
import type { RealRow } from '../../../../bench/development/real/real-row.js';

/** Of eight chunks that go up and down together, as those of one text do. */
function row(source: string, type: string, sizeMb: number, kl: number): RealRow {
  const kl_by_chunk = Array.from({ length: 8 }, (_, i) => kl * (1 + 0.1 * (i % 3)));
  return {
    ...{ model: 'a <model>', source, type, imatrix: false, maker: source, kl, kl_by_chunk },
    ...{ size_bytes: sizeMb * 1e6, predicted_bytes: 2e8, predicted_kv_bytes: 1e8 },
    ...{ predicted_n_ctx: 4096, perplexity: 40 + kl, rounds: [], speed_refused: null },
    ...{ text: 'held.txt', text_sha256: 'x', n_chunks: 8, n_ctx: 512, n_tokens: 2040 },
  } as unknown as RealRow;
}

const standings = frontierRows([
  row('dense', 'F16', 270, 0),
  row('dense', 'Q3_K_M', 90, 0.1),
  row('dense', 'Q2_K', 85, 1.5),
  row('hearth prune', 'Q4_K_M', 80, 0.4),
]);

t.test('the page tells what is not beaten and marks it among all pairs', (t) => {
  const page = realSection(standings);
  t.match(page, '8 chunks of 512 tokens of held.txt, of which 2040 tokens are scored');
  t.match(page, 'No speed is told: the machine was busy.');
  const [choice = '', pairs = ''] = page.split('Every pair');
  t.same(
    [...choice.matchAll(/^\| (\S.*?\/\S+)/gm)].map(([, name]) => name),
    ['hearth prune/Q4_K_M', 'dense/Q3_K_M', 'dense/F16'],
  );
  t.match(pairs, /\*\*0\.100 · 90\.0\*\*/);
  t.match(pairs, /\| +1\.50 · 85\.0 \|/, 'beaten: smaller and nearer there is a pruned one');
  t.match(realSection([]), 'No row is measured yet');
  t.end();
});

t.test('the picture names what is not beaten, and says of each point what beats it', (t) => {
  const picture = frontierPicture(standings);
  const names = [...picture.matchAll(/class="name"[^>]*>([^<]+)/g)].map(([, name]) => name);
  t.same(names, ['hearth prune Q4_K_M', 'dense Q3_K_M'], 'F16 is what all are held against');
  t.match(picture, 'dense/Q2_K: KL 1.50, 85.0 MB; beaten by hearth prune/Q4_K_M');
  t.match(picture, /^<svg xmlns[\s\S]*<\/svg>\n$/);
  t.notMatch(picture, /NaN|undefined|Infinity/);
  t.end();
});
