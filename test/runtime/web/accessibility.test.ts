// The chat and the dashboard by axe's rules, in the states that a person meets.
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { startScriptedServer } from '../../support/scripted-server.js';
import { axe, checkEverywhere, violations } from './axe.js';
import { answerRow, dashboardAnswers } from './dashboard-answers.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);
const ANSWER =
  '# Title\n\nA `code`, a [link](https://example.org), $\\sqrt{x}$.\n\n> Quote\n\n1. one\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n$$\\frac{1}{2}$$\n\n```js\nlet x = "y"; // z\nfunction f() { return 12; }\n```';

const LANGUAGES = [
  { locale: 'en-GB', language: 'en', settings: 'Settings', list: 'Conversations' },
  { locale: 'ja-JP', language: 'ja', settings: '設定', list: '会話の一覧' },
];

/** Until then the answer may still move what is under the mouse, as formulas come when they are asked for. */
async function drawn(page: Page): Promise<void> {
  for (const part of ['.katex-display', '.hljs-title', '.figures'])
    await page.locator(part).waitFor();
}

for (const { locale, language, settings, list } of LANGUAGES) {
  t.test(`the chat in ${language}`, async (t) => {
    const server = await startScriptedServer(t);
    server.reply = () => ({ text: ANSWER, droppedTurns: 1 });
    const opened = await openPage(browser, server.url, { locale, bypassCSP: true });
    const { page, consoleErrors } = opened;
    t.equal(await page.locator('html').getAttribute('lang'), language);
    await page.evaluate(axe);
    await checkEverywhere(t, page, 'greeting');
    const buffer = Buffer.from('some text');
    const notes = { name: 'notes.txt', mimeType: 'text/plain', buffer };
    await page.locator('#attach-files').setInputFiles([notes, { ...notes, name: 'no.pdf' }]);
    await page.locator('.refusal').waitFor();
    await page.fill('#message-input', 'A line\n'.repeat(30));
    t.same(await violations(page), [], 'files');
    await page.press('#message-input', 'Enter');
    await drawn(page);
    await page.locator('.only-last').last().click();
    await page.locator('.branch').waitFor();
    await drawn(page);
    await checkEverywhere(t, page, 'answer');
    await page.getByRole('button', { name: list }).click();
    await page.locator('.has-drawer').waitFor();
    t.same(await violations(page), [], 'list of conversations on a phone');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: settings }).click();
    await page.locator('#sampling-seed').waitFor();
    t.same(await violations(page), [], 'settings');
    t.same(consoleErrors, []);
    await page.keyboard.press('Escape');
    server.reply = () => ({ status: 500, message: 'broken' });
    await page.fill('#message-input', 'Well?');
    await page.press('#message-input', 'Enter');
    await page.locator('.failure').waitFor();
    t.same(await violations(page), [], 'failure');
  });

  t.test(`the dashboard in ${language}`, async (t) => {
    const server = await startScriptedServer(t);
    server.dashboard = dashboardAnswers([answerRow(1, 'small', 100), answerRow(2, 'small', null)]);
    const address = `${server.url}dashboard`;
    const opened = await openPage(browser, address, { locale, bypassCSP: true });
    const { page, consoleErrors } = opened;
    await page.locator('.tile').first().waitFor();
    await page.evaluate(axe);
    await checkEverywhere(t, page, 'figures');
    t.same(consoleErrors, []);
  });
}
