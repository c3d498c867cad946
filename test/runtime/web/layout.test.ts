// The pages fit a phone, speak two languages, stay small, and hold no script or style of their own.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { packageRoot } from '../../support/samples.js';
import { startScriptedServer } from '../../support/scripted-server.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const WIDE_TEXT = `${'unbroken'.repeat(40)}\n\n|${' column |'.repeat(12)}\n|${'---|'.repeat(12)}\n\n\`\`\`\n${'code '.repeat(60)}\n\`\`\``;

t.test('the chat fits a phone of 360 pixels', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: WIDE_TEXT, droppedTurns: 1 });
  const { page, faults } = await openPage(browser, server.url, PHONE);
  await page.fill('#message-input', 'wide'.repeat(60));
  await page.press('#message-input', 'Enter');
  await page.locator('.figures').waitFor();
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
  const buffer = Buffer.from('some text');
  const long = { name: `${'long-name-'.repeat(9)}.txt`, mimeType: 'text/plain', buffer };
  await page.locator('#attach-files').setInputFiles([long, { ...long, name: `${long.name}.pdf` }]);
  await page.locator('.refusal').waitFor();
  for (const part of ['.file-chip', '.refusal']) {
    const box = await page.locator(`#attachments ${part}`).boundingBox();
    t.ok(box && box.x + box.width < 350, `${part} ends at ${box?.x} + ${box?.width}`);
  }
  t.equal(await page.evaluate("document.querySelector('#thread').scrollWidth"), 360);
  await page.getByRole('button', { name: 'Conversations' }).click();
  await page.getByRole('button', { name: 'Close the list' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#menu-button:focus').waitFor();
  t.same(faults, []);
});

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

t.test('both languages have the same texts, and no word stands anywhere else', async (t) => {
  const [en, ja] = await Promise.all(['en', 'ja'].map(readTexts));
  const keys = Object.keys(en ?? {});
  t.ok(keys.length > 200);
  t.same(Object.keys(ja ?? {}).sort(), keys.sort());
  const japanese = /[\u3040-\u30ff\u4e00-\u9fff]/;
  for (const key of keys) {
    t.equal(typeof ja?.[key], typeof en?.[key], key);
    if (typeof en?.[key] === 'function') t.equal(ja?.[key]?.length, en[key]?.length, key);
    t.notMatch(String(en?.[key]), japanese, key);
  }
  const names = /^(GPU|Wi-Fi|hearth|tok\/s|Top p|Top k|Min p|日本語|ja-JP)$|\$\{/;
  for (const [key, value] of Object.entries(ja ?? {}))
    t.match(String(value), japanese.test(String(value)) ? japanese : names, `${key} is translated`);
});

/** Texts by their path, such as `page.ask`; bundled, as the pages' sources are not compiled one by one. */
async function readTexts(language: string): Promise<Record<string, string | (() => string)>> {
  const entry = path.join(packageRoot, `runtime/web/texts/${language}.ts`);
  const { outputFiles } = await build({ entryPoints: [entry], format: 'esm', write: false });
  const source = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  const module = await import(`data:text/javascript;base64,${source}`);
  return Object.fromEntries(leaves(module[language], ''));
}

function leaves(value: object, before: string): [string, string | (() => string)][] {
  return Object.entries(value).flatMap(([name, inner]) =>
    typeof inner === 'object' ? leaves(inner, `${before}${name}.`) : [[before + name, inner]],
  );
}

t.test("the pages' scripts stay small, and what few need is loaded apart", (t) => {
  const root = path.join(packageRoot, 'dist/runtime/web');
  for (const name of ['index.html', 'dashboard.html']) {
    const html = readFileSync(path.join(root, name), 'utf8');
    const entries = [...html.matchAll(/src="(assets\/[^"]+\.js)"/g)].map(([, file = '']) => file);
    const sizeBytes = [...withImports(root, entries)]
      .map((file) => gzipSync(readFileSync(path.join(root, file))).length)
      .reduce((sum, size) => sum + size, 0);
    t.ok(sizeBytes < 100_000, `${name}: ${sizeBytes} bytes compressed`);
  }
  t.end();
});

/** Those and what they import at once; `import()` is for later. */
function withImports(root: string, files: string[], all = new Set<string>()): Set<string> {
  for (const file of files) {
    if (all.has(file)) continue;
    all.add(file);
    const source = readFileSync(path.join(root, file), 'utf8');
    const imports = [...source.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)];
    withImports(
      root,
      imports.map(([, name]) => `assets/${name}`),
      all,
    );
  }
  return all;
}
