// The chat page in a real browser: asking, reading, stopping, and keeping conversations.
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { startScriptedServer } from '../../support/scripted-server.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);

async function ask(page: Page, text: string): Promise<void> {
  await page.fill('#message-input', text);
  await page.press('#message-input', 'Enter');
}

const lastAnswer = (page: Page) => page.locator('.answer-turn').last();
const answered = (page: Page) => lastAnswer(page).locator('.figures').waitFor();

t.test('an answer streams in, is drawn as Markdown, and shows its figures', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({
    text: '## Plan\n\nA **bold** word.\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done\n',
    pauseMs: 80,
  });
  const { page, faults, origins } = await openPage(browser, server.url);
  await ask(page, 'What?');
  await lastAnswer(page).locator('strong').waitFor();
  t.equal(await lastAnswer(page).getAttribute('aria-busy'), 'true', 'drawn while it still comes');
  await answered(page);
  t.equal(
    await lastAnswer(page).locator('h4').textContent(),
    'Plan',
    'below the headings of the page',
  );
  t.equal(await lastAnswer(page).locator('td').nth(1).getAttribute('align'), 'right');
  t.equal(await lastAnswer(page).locator('input[type=checkbox]').isChecked(), true);
  const figures = await lastAnswer(page).locator('.figures summary').textContent();
  t.equal(figures, '40 tok/sTTFT 312 mscontext 300 of 2,048');
  await lastAnswer(page).locator('.figures summary').click();
  t.match((await lastAnswer(page).locator('.figure-list').textContent()) ?? '', /512 MiB/);
  t.same(faults, []);
  t.same([...origins], [new URL(server.url).origin], 'nothing is loaded from elsewhere');
});

t.test('emphasis in Japanese needs no spaces around its punctuation', async (t) => {
  const server = await startScriptedServer(t);
  // The examples of github.com/tats-u/markdown-cjk-friendly, and what has to stay as it is.
  const lines = [
    '**このアスタリスクは強調記号として認識されず、そのまま表示されます。**この文のせいで。',
    'これは**「強調」**と*（強勢）*です。',
    '私は**Go (言語)**と𠮷**「野」**家を使う',
    '**이 별표(괄호)**는, **該星號。**這',
    '定価は~~「千円」~~です。',
    'a**"b"**c これ ** は ** 2 * 3',
  ];
  server.reply = () => ({ text: lines.join('\n') });
  const { page } = await openPage(browser, server.url);
  await ask(page, 'What?');
  await answered(page);
  const emphasised = await lastAnswer(page).locator('strong, em, del').allTextContents();
  t.same(emphasised, [
    'このアスタリスクは強調記号として認識されず、そのまま表示されます。',
    ...['「強調」', '（強勢）', 'Go (言語)', '「野」', '이 별표(괄호)', '該星號。', '「千円」'],
  ]);
});

t.test('the whole conversation, the system prompt and the sampling are sent', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: 'First answer.' });
  const { page } = await openPage(browser, server.url);
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel('System prompt').fill('Answer briefly.');
  await page.getByLabel('Temperature').fill('0.3');
  await page.getByLabel('Seed').fill('7');
  await page.getByRole('button', { name: 'Save' }).click();
  await ask(page, 'One?');
  await answered(page);
  await ask(page, 'Two?');
  await page.locator('.figures').nth(1).waitFor();
  t.match(server.requests[1], {
    messages: [
      { role: 'system', content: 'Answer briefly.' },
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: 'First answer.' },
      { role: 'user', content: 'Two?' },
    ],
    temperature: 0.3,
    seed: 7,
    stream: true,
    stream_options: { include_usage: true },
  });
  t.notOk('top_p' in (server.requests[1] ?? {}), 'what was left empty is left to the server');
  t.notOk('model' in (server.requests[1] ?? {}), 'of one model nothing is to be chosen');
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.getByRole('button', { name: 'Settings' }).click();
  t.equal(await page.getByLabel('Temperature').inputValue(), '0.3', 'kept for new conversations');
  await page.getByLabel('Temperature').fill('9');
  await page.getByRole('button', { name: 'Save' }).click();
  t.ok(await page.locator('dialog').isVisible(), 'a value out of range is not taken');
});

t.test('of several models one is chosen, and kept for the conversation and the next', async (t) => {
  const server = await startScriptedServer(t);
  server.modelName = 'pruned';
  server.otherModels = ['dense'];
  const { page } = await openPage(browser, server.url);
  const choice = page.getByLabel('Model', { exact: true });
  await choice.waitFor();
  t.same(await choice.locator('option').allTextContents(), ['pruned (loaded)', 'dense']);
  await ask(page, 'One?');
  await answered(page);
  await choice.selectOption('dense');
  await ask(page, 'Two?');
  await page.locator('.figures').nth(1).waitFor();
  await page.getByRole('button', { name: 'New conversation' }).click();
  t.equal(await choice.inputValue(), 'dense');
  await ask(page, 'Three?');
  await answered(page);
  t.match(server.requests, [{ model: 'pruned' }, { model: 'dense' }, { model: 'dense' }]);
});

t.test('Enter sends, Shift+Enter starts a line, Escape stops', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: 'word '.repeat(500), pauseMs: 20 });
  const { page } = await openPage(browser, server.url);
  t.ok(await page.locator('#message-input:focus').count(), 'ready to write at once');
  await page.keyboard.type('one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('two');
  t.equal(server.requests.length, 0);
  // Enter that ends the choice of a character, as Safari says it.
  await page.evaluate(
    "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true }))",
  );
  t.equal(await page.inputValue('#message-input'), 'one\ntwo', 'an input method is not done yet');
  await page.keyboard.press('Enter');
  await lastAnswer(page).locator('.markdown p').first().waitFor();
  t.equal(server.requests[0]?.messages[0]?.content, 'one\ntwo');
  t.ok(await page.locator('#message-input:focus').count(), 'the focus stays where one writes');
  await page.keyboard.press('Escape');
  await lastAnswer(page).getByText('Stopped.').waitFor();
  t.match(
    (await lastAnswer(page).locator('.markdown').textContent()) ?? '',
    /^word/,
    'what came stays',
  );
  for (let tries = 0; server.stopped === 0 && tries < 100; tries++) await page.waitForTimeout(50);
  t.equal(server.stopped, 1, 'the server knows that nobody reads on');
  t.equal(await page.locator('#send-button').getAttribute('aria-label'), 'Send');
});

t.test('Try again asks for another answer to the same question', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: `Answer ${server.requests.length}.` });
  const { page } = await openPage(browser, server.url);
  await ask(page, 'Well?');
  await answered(page);
  await lastAnswer(page).getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Answer 2.').first().waitFor();
  t.equal(await page.locator('.answer-turn').count(), 1);
  t.same(server.requests[1]?.messages, [{ role: 'user', content: 'Well?' }]);
});

t.test('an answer and its code can be copied', async (t) => {
  const server = await startScriptedServer(t);
  const text = 'Run **this**:\n\n```sh\nls -la\n```';
  server.reply = () => ({ text });
  const permissions = ['clipboard-read', 'clipboard-write'];
  const { page } = await openPage(browser, server.url, { permissions });
  await ask(page, 'How?');
  await answered(page);
  await page.getByRole('button', { name: 'Copy code' }).click();
  await page.locator('.code-head').getByText('Copied').waitFor();
  t.equal(await page.evaluate('navigator.clipboard.readText()'), 'ls -la');
  await lastAnswer(page).getByRole('button', { name: 'Copy', exact: true }).click();
  await page.locator('.answer-turn .turn-actions').getByText('Copied').waitFor();
  t.equal(await page.evaluate('navigator.clipboard.readText()'), text);
});

t.test('conversations stay in the browser, and can be renamed, saved and deleted', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, server.url);
  await ask(page, 'First question');
  await answered(page);
  await page.getByRole('button', { name: 'New conversation' }).click();
  await ask(page, 'Second question');
  await answered(page);
  await page.reload();
  const titles = page.locator('.conversation');
  await titles.first().waitFor();
  t.same(await titles.allTextContents(), ['Second question', 'First question']);
  await titles.nth(1).click();
  await page.getByText('Hello there.').first().waitFor();

  const choose = async (name: string) => {
    await page
      .getByRole('button', { name: /^Actions for/ })
      .nth(1)
      .click();
    await page.getByRole('menuitem', { name }).click();
  };
  await choose('Rename');
  await page.getByRole('textbox', { name: 'Name' }).fill('Renamed');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Renamed', exact: true }).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), choose('Save as Markdown')]);
  t.equal(download.suggestedFilename(), 'Renamed.md');
  t.equal(
    await readFile(await download.path(), 'utf8'),
    '# Renamed\n\n## You\n\nFirst question\n\n## Answer\n\nHello there.\n',
  );
  await choose('Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.reload();
  await titles.first().waitFor();
  t.same(await titles.allTextContents(), ['Second question']);
});

t.test('a screen reader hears each finished block, and that the answer is complete', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: 'First part.\n\nSecond part.' });
  const { page } = await openPage(browser, server.url);
  const region = page.locator('[aria-live=polite]#announcer');
  await ask(page, 'Well?');
  await region.getByText('The answer is complete.').waitFor();
  t.same(await region.locator('p').allTextContents(), [
    'First part.',
    'Second part.',
    'The answer is complete.',
  ]);
  for (const landmark of ['navigation', 'main'] as const)
    t.ok(await page.getByRole(landmark).count(), `${landmark} is a landmark`);
});
