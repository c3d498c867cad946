// Both pages by the rules of axe-core (WCAG 2.2 A and AA, and its own best practices), in the states
// that a person meets; what only a person can judge is not in them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { packageRoot } from '../../support/samples.js';
import { startScriptedServer } from '../../support/scripted-server.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);
const axe = readFileSync(path.join(packageRoot, 'node_modules/axe-core/axe.min.js'), 'utf8');
const ANSWER =
  '# Title\n\nA `code`, a [link](https://example.org).\n\n> Quote\n\n1. one\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nlet x;\n```';

/** The rules that a page breaks, each with the first element that does. */
async function violations(page: Page): Promise<string[]> {
  return await page.evaluate(
    `${axe}; axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))`,
  );
}

for (const colorScheme of ['light', 'dark'] as const)
  t.test(`the chat, ${colorScheme}`, async (t) => {
    const server = await startScriptedServer(t);
    server.reply = () => ({ text: ANSWER, droppedTurns: 1 });
    const { page } = await openPage(browser, server.url, { colorScheme, bypassCSP: true });
    t.same(await violations(page), [], 'greeting');
    await page.fill('#message-input', 'Well?');
    await page.press('#message-input', 'Enter');
    await page.locator('.figures').waitFor();
    t.same(await violations(page), [], 'answer');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Seed').waitFor();
    t.same(await violations(page), [], 'settings');
  });

t.test('the chat on a phone, and a failure', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ status: 500, message: 'broken' });
  const phone = { viewport: { width: 360, height: 740 }, isMobile: true, bypassCSP: true };
  const { page } = await openPage(browser, server.url, phone);
  await page.fill('#message-input', 'Well?');
  await page.press('#message-input', 'Enter');
  await page.locator('.failure').waitFor();
  t.same(await violations(page), [], 'failure');
  await page.getByRole('button', { name: 'Conversations' }).click();
  await page.getByRole('button', { name: 'Close the list' }).waitFor();
  t.same(await violations(page), [], 'list of conversations');
});

t.test('the dashboard', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, `${server.url}dashboard`, { bypassCSP: true });
  await page.locator('.dashboard').waitFor();
  t.same(await violations(page), []);
});
