// The dashboard in a real browser: its figures are those that the server sent, in tables and charts.
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { startScriptedServer } from '../../support/scripted-server.js';
import { answerRow, dashboardAnswers, HOSTILE } from './dashboard-answers.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);

const ANSWERS = [
  answerRow(1, 'small', 100),
  answerRow(2, HOSTILE, 900),
  answerRow(3, 'small', 300),
  answerRow(4, 'small', null),
];

t.test('figures, charts and their tables show what the server sent', async (t) => {
  const server = await startScriptedServer(t);
  server.dashboard = dashboardAnswers(ANSWERS);
  const { page, faults, origins } = await openPage(browser, `${server.url}dashboard`);
  await page.locator('.tile').first().waitFor();
  const tiles = await page.locator('.tile-value').allTextContents();
  t.same(tiles, ['210', '84 ms', '42.1 tok/s', '1 GiB', '3', '9']);
  t.match(
    (await page.locator('#status').textContent()) ?? '',
    /2 answers are not in the log: the disk is full/,
  );
  const memory = page
    .locator('section', { has: page.getByRole('heading', { name: 'Memory', exact: true }) })
    .first();
  t.match(
    await memory.locator('canvas').getAttribute('aria-label'),
    'hearth 512 MiB, GPU –, Left 2 GiB',
  );
  const painted =
    "[...document.querySelector('section.card:nth-of-type(3) canvas').getContext('2d').getImageData(0, 0, 300, 150).data].some((value) => value > 0)";
  t.equal(await page.evaluate(painted), true, 'the chart is drawn');
  await memory.locator('summary').click();
  t.equal(await memory.locator('tbody tr').count(), ANSWERS.length);
  t.equal(await page.evaluate('window.hacked'), undefined);
  t.same(faults, []);
  t.same([...origins], [new URL(server.url).origin]);
});

t.test('one model can be chosen, and stays chosen', async (t) => {
  const server = await startScriptedServer(t);
  server.dashboard = dashboardAnswers(ANSWERS);
  const { page } = await openPage(browser, `${server.url}dashboard`);
  await page.locator('.tile').first().waitFor();
  await page.locator('#model').selectOption('small');
  await page.locator('.tile-value').first().getByText('3', { exact: true }).waitFor();
  const models = await page.locator('#tables section').last().locator('td:nth-child(2)');
  t.same(new Set(await models.allTextContents()), new Set(['small']));
  t.match((await page.locator('#tables').textContent()) ?? '', HOSTILE, 'the error, as text');
  await page.reload();
  await page.locator('.tile').first().waitFor();
  t.equal(await page.locator('#model').inputValue(), 'small');
});

t.test('an empty log invites to ask, and no log is told', async (t) => {
  const server = await startScriptedServer(t);
  server.dashboard = dashboardAnswers([]);
  const phone = { viewport: { width: 360, height: 740 } };
  const { page } = await openPage(browser, `${server.url}dashboard`, phone);
  await page.getByRole('heading', { name: 'No answers in this time' }).waitFor();
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
  server.dashboard = null;
  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.getByText('started with --no-log').waitFor();
});

t.test('on a phone, tables scroll inside the page', async (t) => {
  const server = await startScriptedServer(t);
  server.dashboard = dashboardAnswers(ANSWERS);
  const phone = { viewport: { width: 360, height: 740 } };
  const { page } = await openPage(browser, `${server.url}dashboard`, phone);
  await page.locator('.tile').first().waitFor();
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
  t.match(await page.evaluate(PARTS_OF_CODES), [
    ['HEARTH_', 1],
    ['ENGINE_', 1],
    ['DIED', 1],
  ]);
});

/** What stands between underscores in codes of errors, and on how many lines each is drawn. */
const PARTS_OF_CODES = `[...document.querySelectorAll('.words')]
  .filter((cell) => cell.textContent.startsWith('HEARTH_'))
  .flatMap((cell) => [...cell.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE))
  .map((node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return [node.data, range.getClientRects().length];
  })`;

t.test('it opens at a time that holds answers, and pages through all of them', async (t) => {
  const server = await startScriptedServer(t);
  // A minute apart; the newest is 26 hours old.
  const rows = Array.from({ length: 60 }, (_, i) => answerRow(i - 600, 'small', 100));
  server.dashboard = dashboardAnswers(rows);
  const { page } = await openPage(browser, `${server.url}dashboard`);
  await page.locator('.tile').first().waitFor();
  t.equal(await page.locator('#range').inputValue(), '7d');
  const table = page.locator('section', {
    has: page.getByRole('heading', { name: 'All answers' }),
  });
  const times = () => table.locator('tbody th').allTextContents();
  const turn = async (name: string) => {
    const [first = ''] = await times();
    await table.getByRole('button', { name }).click();
    await table.getByRole('rowheader', { name: first }).waitFor({ state: 'detached' });
  };
  const seen = await times();
  t.match(seen[0], /\d\d:\d\d:\d\d$/, 'with seconds');
  t.equal(seen.length, 25);
  await turn('Older');
  seen.push(...(await times()));
  await turn('Older');
  seen.push(...(await times()));
  t.equal(new Set(seen).size, rows.length, 'every answer, none twice');
  t.ok(await table.getByRole('button', { name: 'Older' }).isDisabled());
  await turn('Newer');
  t.same(await times(), seen.slice(25, 50));
  await turn('Newest');
  t.same(await times(), seen.slice(0, 25));
});
