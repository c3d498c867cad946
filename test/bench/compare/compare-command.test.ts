// hearth compare from outside: real models, one of another tokenizer, one that is not there.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { samplePath } from '../../../bench/development/sample-models.js';
import { convert } from '../../../converter/convert.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { launchBrowser } from '../../support/browser.js';
import { hearth } from '../../support/hearth.js';
import { needs } from '../../support/needs.js';

const folder = t.testdir({
  'q.jsonl': '{"q": "</script><img src=x onerror=alert(1)>"}\n{"q": "What is E17?", "a": "No"}\n',
  tmp: {},
});
const at = (name: string) => path.join(folder, name);
const dense = await applianceGguf(folder);
const pruned = await convertTo('pruned.gguf', 'appliance/pruned-20', 'Q4_K_M');
await convertTo('dense-q8.gguf', 'appliance/dense', 'Q8_0');
const foreign = await convertTo('foreign.gguf', 'formats/f_fast', 'F16');

const quick = ['--gpu', 'off', '--threads', '1', '-r', '1', '--max-tokens', '24'];
const text = ['--text-ctx', '64', '--chunks', '2'];
const env = { TMPDIR: at('tmp') };
const compare = (...words: string[]) => hearth(['compare', ...words, ...quick], { env });

t.test('models side by side, with what fails in its own column', async (t) => {
  const models = [dense, pruned, foreign, at('none.gguf')];
  const report = at('report.html');
  const words = ['--questions', at('q.jsonl'), '--report', report, '--json'];
  const { status, stdout, stderr } = await compare(...models, ...text, ...words);
  t.equal(status, 1);
  t.match(stderr, /none: .*none\.gguf cannot be read/);
  for (const label of ['dense', 'pruned', 'foreign', 'dense as Q2_K'])
    t.match(stderr, new RegExp(`^hearth compare: ${label}: 2 answers, perplexity \\d`, 'm'));
  t.match(stderr, /hearth: 1 of 5 models failed; the others are above/);
  const { made, equal_memory, frontier, ...comparison } = JSON.parse(stdout);
  const [first, second, other, none] = comparison.models;

  t.match(first, { label: 'dense', share_kept: 1, is_unpruned: true, error: null });
  t.match(first.quality, { n_chunks: 2, n_tokens: 62, divergence: null });
  t.ok(Math.abs(second.share_kept - 0.808) < 0.001, 'as samples/README.md says');
  t.match(second.speed, { answer_tokens: 128, ttft_ms: Number, tokens_per_second: Number });
  t.equal(second.speed.rates.length, 1);
  t.ok(second.memory.weights_bytes < first.memory.weights_bytes);
  t.ok(second.memory.peak_rss_bytes > 20e6);
  t.match(second.quality.divergence, { mean_kl: { value: Number }, same_top: { value: Number } });
  t.equal(second.answers.length, 2);
  t.match(second.answers[1], { is_right: false, difference: Number, repetition: Number });
  t.ok(second.fits.length > 30 && second.fits[0].verdict.kind === 'fits');

  t.match(other.no_divergence, /its tokenizer is not that of dense: KL divergence compares/);
  t.ok(other.quality.perplexity.value > 1, 'the rest is made');
  t.equal(other.quality.divergence, null);
  t.match(none, { error: /none\.gguf cannot be read/, speed: null, quality: null, answers: [] });

  const equal = equal_memory.find((row: { pruned: string }) => row.pruned === 'pruned');
  t.ok(equal.unpruned_predicted_bytes <= equal.pruned_predicted_bytes);
  t.match(made[0], { label: equal.unpruned, file_type: equal.unpruned_type, error: null });
  t.ok(made[0].quality.divergence.mean_kl.value > 0, 'made and measured');
  const standing = frontier.map(({ model }: { model: string }) => model);
  t.same(standing.toSorted(), ['dense', equal.unpruned, 'pruned'], 'who split the text alike');
  t.equal(standing.at(-1), 'dense', 'from the smallest');
  t.equal(frontier[0].beaten_by, null, 'nothing is smaller');
  t.same(readdirSync(at('tmp')), [], 'nothing is left behind');
});

t.test(
  'the report is one file that runs nothing but its own, on screens and phones',
  { skip: needs('chromium') },
  async (t) => {
    const browser = await launchBrowser(t);
    for (const width of [1280, 390]) {
      const context = await browser.newContext({ viewport: { width, height: 900 } });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => faults.push(message.text()));
      page.on('dialog', (dialog) => faults.push(dialog.message()));
      page.on('request', (request) => {
        if (!/^(file|data):/.test(request.url())) faults.push(request.url());
      });
      await page.goto(pathToFileURL(at('report.html')).href);
      await page.locator('#chart-speed canvas').waitFor();
      t.match(await page.locator('summary').allTextContents(), [
        /devices/,
        /^<\/script><img src=x/,
      ]);
      t.equal(await page.locator('main img').count(), 0, 'a question is text');
      t.equal(await page.locator('.model-card').count(), 3, 'those that could be read');
      const isWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
      t.equal(isWide, false, `nothing is wider than ${width}`);
      const choice = page.getByRole('region', { name: 'What is worth choosing from' });
      t.equal(await choice.locator('tbody tr').count(), 3, 'the frontier is a table, too');
      const table = page.getByRole('region', { name: 'All figures' });
      await table.focus();
      const [shown, whole] = await table.evaluate((box) => {
        box.scrollLeft = box.scrollWidth;
        return [box.scrollLeft + box.clientWidth, box.scrollWidth];
      });
      t.ok(Math.abs(Number(shown) - Number(whole)) <= 1, 'its last column can be reached');
      t.same(faults, []);
    }
  },
);

t.test(
  'a file of the type of equal memory is taken, and its figures stand in the table',
  async (t) => {
    const q2 = await convertTo('dense-q2.gguf', 'appliance/dense', 'Q2_K');
    // What takes as much must be the same on every CPU, whatever hearth chooses there.
    const words = ['--no-text', '--flash-attention', 'on'];
    const { status, stdout } = await compare(at('dense-q8.gguf'), pruned, q2, ...words);
    t.equal(status, 0);
    t.match(stdout, /pruned \(Q4_K_M\) .* Q2_K .* [\d.]+ │\n/);
    t.match(stdout, /dense-q2:\n {4}1\. User Experience/);
    t.match(
      stdout,
      /Beside that, the pruned one may be faster or slower \(/,
      'one round tells nothing',
    );
    t.notMatch(stdout, /was not measured/);
    t.notMatch(stdout, /worth choosing/, 'nobody knows without a text');
  },
);

t.test('Ctrl-C leaves nothing behind, and prints what was measured', async (t) => {
  const report = at('interrupted.html');
  const words = ['compare', dense, pruned, ...quick, ...text, '--report', report, '--json'];
  const { status, stdout } = await hearth(words, {
    env,
    onStart: (child) => {
      const looking = setInterval(() => {
        const [made] = readdirSync(at('tmp'));
        if (!made || !existsSync(at(`tmp/${made}/first.rows`))) return;
        clearInterval(looking);
        child.kill('SIGINT');
      }, 5);
      child.once('exit', () => clearInterval(looking));
    },
  });
  t.equal(status, 130);
  const { is_whole, models } = JSON.parse(stdout);
  t.equal(is_whole, false);
  t.equal(models[0].answers.length, 1);
  t.same(readdirSync(at('tmp')), []);
  t.equal(existsSync(report), false);
});

t.test('what cannot be compared is refused by name, before anything is measured', async (t) => {
  writeFileSync(at('exists.html'), 'mine');
  const refused: [words: string[], status: number, message: RegExp][] = [
    [[dense], 1, /name the unpruned model and at least one other/],
    [[dense, pruned, '--questions', at('none')], 1, /none cannot be read \(ENOENT\)/],
    [
      [dense, pruned, '--report', at('exists.html')],
      1,
      /exists\.html: exists already; pass --force/,
    ],
    [[dense, pruned, '--report', pruned, '--force'], 1, /is one of the files/],
  ];
  for (const [words, status, message] of refused)
    t.match(await compare(...words), { status, stdout: '', stderr: message }, words.join(' '));
  t.equal(readFileSync(at('exists.html'), 'utf8'), 'mine');
});

async function convertTo(name: string, sample: string, type: 'F16' | 'Q8_0' | 'Q4_K_M' | 'Q2_K') {
  const output = at(name);
  await convert({
    ...{ checkpoint: samplePath(sample), output, type, threads: 1, chatTemplate: 'llama-2' },
    force: true,
  });
  return output;
}
