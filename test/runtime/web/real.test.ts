// The pages against the real `hearth serve` with a real model, from the first question to the
// dashboard's row; what the model says is the model's business, so other tests script the answers.
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { sqlite3 } from '../log/log-rows.js';
import { contextTokens, startServe } from './serve-process.js';

skipFileWithout('chromium', 'sqlite3');
const server = await startServe(t);
const browser = await launchBrowser(t);

async function ask(page: Page, text: string): Promise<void> {
  await page.fill('#message-input', text);
  await page.press('#message-input', 'Enter');
}

const lastAnswer = (page: Page) => page.locator('.answer-turn').last();
const textOf = async (page: Page) =>
  ((await lastAnswer(page).locator('.markdown').textContent()) ?? '').trim();

async function setLongest(page: Page, tokens: number): Promise<void> {
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel('Longest answer').fill(String(tokens));
  await page.getByLabel('Seed').fill('7');
  await page.getByRole('button', { name: 'Save' }).click();
}

t.test('an answer streams in with the figures that the log has of it', async (t) => {
  const { page, faults, origins } = await openPage(browser, server.url);
  await page.locator('[data-kind=ok]').waitFor();
  t.equal(await page.locator('#model-name').textContent(), 'dense');
  await ask(page, 'How do I descale the kettle?');
  await lastAnswer(page).locator('.figures').waitFor();
  t.ok((await textOf(page)).length > 0);
  const figures = (await lastAnswer(page).locator('.figure-list').textContent()) ?? '';
  const [row] = sqlite3(server.logPath, 'SELECT * FROM answers ORDER BY id DESC LIMIT 1');
  t.match(figures, `Answer${row?.generated_tokens} tokens`);
  t.match(figures, `Question${row?.prompt_tokens} tokens`);
  t.match(figures, `${Math.round(Number(row?.peak_rss_bytes) / 2 ** 20)} MiB`);
  t.match(
    await lastAnswer(page).locator('.figures summary').textContent(),
    `context ${row?.context_used} of ${contextTokens.toLocaleString('en')}`,
  );
  t.same(faults, [], 'no fault under the policy that hearth really sends');
  t.same([...origins], [new URL(server.url).origin], 'nothing is loaded from elsewhere');
});

t.test('an answer can be stopped, gone on with, and asked for again', async (t) => {
  const { page } = await openPage(browser, server.url);
  await page.route('**/v1/chat/completions', (route) => {
    // A small model soon has no more to say; told never to end, it has to be stopped.
    const body = { ...route.request().postDataJSON(), logit_bias: { 2: -100 } };
    return route.continue({ postData: JSON.stringify(body) });
  });
  await ask(page, 'Tell me everything');
  await lastAnswer(page).locator('.markdown').getByText(/\S/).first().waitFor();
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  await lastAnswer(page).getByText('Stopped.').waitFor();
  t.match(
    await lastAnswer(page).locator('.figures summary').textContent(),
    /^[\d.]+ tok\/sTTFT \d/,
    "the server's own figures",
  );
  const figures = await lastAnswer(page).locator('.figure-list').textContent();
  const stopped = await textOf(page);
  t.not(stopped, '', 'what came stays');
  await setLongest(page, 12);
  await page.getByRole('button', { name: 'Continue' }).click();
  await lastAnswer(page).getByText('Stopped.').waitFor({ state: 'detached' });
  await lastAnswer(page).locator('.figures').waitFor();
  const whole = await textOf(page);
  t.ok(whole.startsWith(stopped) && whole.length > stopped.length, 'goes on where it was');
  await page.unroute('**/v1/chat/completions');
  await lastAnswer(page).getByRole('button', { name: 'Try again' }).click();
  await lastAnswer(page).locator('.figures').waitFor();
  t.equal(await page.locator('.answer-turn').count(), 1, 'the new answer takes its place');
  t.match(sqlite3(server.logPath, 'SELECT stop_reason FROM answers ORDER BY id DESC LIMIT 3'), [
    { stop_reason: /eos|length/ },
    { stop_reason: /eos|length/ },
    { stop_reason: 'abort' },
  ]);
  const [row] = sqlite3(server.logPath, "SELECT * FROM answers WHERE stop_reason = 'abort'");
  t.match(figures, `Question${row?.prompt_tokens} tokens`, 'those that were cached included');
});

t.test('conversations survive a reload, and go on where they were', async (t) => {
  const { page } = await openPage(browser, server.url);
  await setLongest(page, 8);
  await ask(page, 'First question');
  await lastAnswer(page).locator('.figures').waitFor();
  await page.getByRole('button', { name: 'New conversation' }).click();
  await ask(page, 'Second question');
  await lastAnswer(page).locator('.figures').waitFor();
  const second = await textOf(page);
  await page.reload();
  const titles = page.locator('.conversation');
  await titles.first().waitFor();
  t.same(await titles.allTextContents(), ['Second question', 'First question']);
  await titles.first().click();
  await lastAnswer(page).locator('.figures').waitFor();
  t.equal(await textOf(page), second);
  await ask(page, 'And a third');
  await page.locator('.figures').nth(1).waitFor();
  const [row] = sqlite3(server.logPath, 'SELECT * FROM answers ORDER BY id DESC LIMIT 1');
  t.ok(Number(row?.cached_tokens) > 0, 'the first turn was in the cache');
});

t.test('the dashboard shows the answers that the log has', async (t) => {
  const { page, faults } = await openPage(browser, server.url);
  await setLongest(page, 4);
  await ask(page, 'One more');
  await lastAnswer(page).locator('.figures').waitFor();
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.locator('.tile').first().waitFor();
  const rows = sqlite3(server.logPath, 'SELECT * FROM answers ORDER BY id DESC');
  t.equal(await page.locator('.tile-value').first().textContent(), String(rows.length));
  const latest = page.locator('section', {
    has: page.getByRole('heading', { name: 'All answers' }),
  });
  const cells = await latest.locator('tbody tr').first().locator('th, td').allTextContents();
  t.same(cells.slice(1, 4), ['dense', 'length', String(rows[0]?.prompt_tokens)], 'newest first');
  for (const title of ['Time to first token', 'Speed', 'Peak memory of answers', 'Context used'])
    t.notMatch(
      await page
        .getByRole('img', { name: new RegExp(`^${title}, latest`) })
        .getAttribute('aria-label'),
      /: \S+ –,|nothing measured/,
      title,
    );
  t.same(faults, []);
});
