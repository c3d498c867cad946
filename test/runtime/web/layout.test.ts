// The pages fit a phone, are legible in both themes, and hold no script or style of their own.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { packageRoot } from '../../support/samples.js';
import { startScriptedServer } from '../../support/scripted-server.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const WIDE_TEXT = `${'unbroken'.repeat(40)}\n\n|${' column |'.repeat(12)}\n|${'---|'.repeat(12)}\n\n\`\`\`\n${'code '.repeat(60)}\n\`\`\``;

/** The least contrast of text against its ground, by WCAG 2's formula, in the page `document`. */
const LEAST_CONTRAST = `(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if ((colour[3] ?? 1) === 1) return colour;
    }
    return [255, 255, 255];
  };
  const shown = [...document.querySelectorAll('body *')].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '') &&
    element.checkVisibility({ opacityProperty: true }) && !element.matches(':disabled, noscript, option'));
  return Math.min(...shown.map((element) => {
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }));
})()`;

t.test('the chat fits a phone of 360 pixels', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: WIDE_TEXT, droppedTurns: 1 });
  const { page, faults } = await openPage(browser, server.url, PHONE);
  await page.fill('#message-input', 'wide'.repeat(60));
  await page.press('#message-input', 'Enter');
  await page.locator('.figures').waitFor();
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
  t.equal(await page.evaluate("document.querySelector('#thread').scrollWidth"), 360);
  await page.getByRole('button', { name: 'Conversations' }).click();
  await page.getByRole('button', { name: 'Close the list' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#menu-button:focus').waitFor();
  t.same(faults, []);
});

for (const colorScheme of ['light', 'dark'] as const) {
  t.test(`text has a contrast of 4.5 to 1 in the ${colorScheme} theme`, async (t) => {
    const server = await startScriptedServer(t);
    server.reply = () => ({
      text: 'A `code`, a [link](https://example.org).\n\n> Quote',
      droppedTurns: 1,
    });
    const { page } = await openPage(browser, server.url, { colorScheme });
    t.ok(Number(await page.evaluate(LEAST_CONTRAST)) >= 4.5, 'greeting');
    await page.fill('#message-input', 'Well?');
    await page.press('#message-input', 'Enter');
    await page.locator('.figures').waitFor();
    t.ok(Number(await page.evaluate(LEAST_CONTRAST)) >= 4.5, 'conversation');
    server.reply = () => ({ status: 500, message: 'broken' });
    await page.fill('#message-input', 'And?');
    await page.press('#message-input', 'Enter');
    await page.locator('.failure').waitFor();
    t.ok(Number(await page.evaluate(LEAST_CONTRAST)) >= 4.5, 'failure');
  });
}

t.test('the theme follows the device until one is chosen, on both pages', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, server.url, { colorScheme: 'dark' });
  await page.locator('html[data-theme=dark]').waitFor();
  await page.getByRole('button', { name: 'Theme: as this device' }).click();
  await page.locator('html[data-theme=light]').waitFor();
  await page.goto(`${server.url}dashboard`);
  t.equal(await page.locator('html').getAttribute('data-theme'), 'light');
});

t.test('every asset is in the package and named by its content', (t) => {
  const root = path.join(packageRoot, 'dist/runtime/web');
  for (const name of ['index.html', 'dashboard.html']) {
    const html = readFileSync(path.join(root, name), 'utf8');
    t.notMatch(
      html,
      /<script[^>]*>[^<]|<style|\sstyle=|\son\w+=|https?:/,
      `${name}: nothing inline`,
    );
    for (const [, asset = ''] of html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g))
      t.ok(readFileSync(path.join(root, asset)).length > 0, asset);
  }
  for (const asset of readdirSync(path.join(root, 'assets')))
    t.match(asset, /-[A-Z0-9]{8}(\.(js|css)(\.LEGAL\.txt)?|\.woff2|)$/);
  t.end();
});
