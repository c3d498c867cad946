// Text from a model, a person or a server never becomes part of the page's code.
// A model repeats what it was trained on or told: its Markdown is as untrusted as any input.
// The policy of the server would stop scripts too; it is switched off here, so that the page's own
// sanitising is what is tested.
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { startScriptedServer } from '../../support/scripted-server.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);

const HOSTILE = [
  '<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 1">',
  '<svg onload="window.hacked = 1"><animate onbegin="window.hacked = 1" attributeName=x dur=1s />',
  '<svg><script>window.hacked = 1</script></svg>',
  '<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe>',
  '<details open ontoggle="window.hacked = 1">x</details>',
  '<a href="javascript:window.hacked=1">click</a>',
  '[click](javascript:window.hacked=1)',
  '[click](JaVaScRiPt:window.hacked=1)',
  '[click](&#106;avascript:window.hacked=1)',
  '[click](data:text/html,<script>parent.hacked=1</script>)',
  '![x](x" onerror="window.hacked=1)',
  '![x](javascript:window.hacked=1)',
  '<math><mtext><table><mglyph><style><!--</style><img title="--><img src=x onerror=window.hacked=1>">',
  '```"><img src=x onerror=window.hacked=1>\ncode\n```',
  '| <img src=x onerror=window.hacked=1> |\n|---|\n| <style>body{display:none}</style> |',
  '<form action="https://example.org"><input name=password type=password></form>',
  '<base href="https://example.org/"><meta http-equiv=refresh content="0;url=https://example.org">',
  '<video><source onerror="window.hacked = 1"></video>',
  '<object data="javascript:parent.hacked=1"></object><embed src="javascript:parent.hacked=1">',
  '<link rel=stylesheet href="https://example.org/x.css">',
  '<template><script>window.hacked = 1</script></template>',
  '<noscript><p title="</noscript><img src=x onerror=window.hacked=1>">',
  '&lt;img src=x onerror="window.hacked = 1"&gt;',
  '<javascript:window.hacked=1>',
  '[click](vbscript:window.hacked=1)',
  '[click][where]\n\n[where]: javascript:window.hacked=1 "x"',
  '[click](https://example.org "x\\" onmouseover=\\"window.hacked=1")',
  '[click](//example.org/x)',
  '```html\n<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">\n```',
  '```xml\n<svg onload="window.hacked = 1"/>\n```',
  '```js\nlet x = 1;</code></pre><img src=x onerror=window.hacked=1>\n```',
  '$\\href{javascript:window.hacked=1}{x}$ and $\\url{javascript:window.hacked=1}$',
  '$$\\includegraphics[alt=x]{https://example.org/x.png}$$',
  '$\\htmlStyle{background:url(https://example.org/x)}{x}$',
  '$\\htmlId{x" onclick="window.hacked=1}{y}$ and $\\htmlData{on="1}{y}$',
  '$\\text{<img src=x onerror="window.hacked = 1">}$',
  '\\(<script>window.hacked = 1</script>\\) and \\[<img src=x onerror=window.hacked=1>\\]',
  '$\\color{red;background:url(https://example.org/x)}{x}$',
  '$$\\def\\a{\\a\\a}\\a$$',
  '$$\\rule{1000000em}{1000000em}$$',
  '$x"><img src=x onerror=window.hacked=1>$',
];

/** KaTeX draws with math and svg of its own. */
const FORBIDDEN =
  '.markdown :is(script, img, svg:not(.icon, .katex *), iframe, style, form, base, meta, link, object, embed, video, template, math:not(.katex *), input:not([type=checkbox]))';
const FORMULA = '$\\sqrt{x}$ and `code`:\n\n```js\nlet x;\n```';

async function openWithoutPolicy(url: string): Promise<{ page: Page; foreign: string[] }> {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  const foreign: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('blob:'))
      foreign.push(request.url());
  });
  await page.goto(url);
  await page.waitForSelector('#send-button[aria-label]');
  return { page, foreign };
}

t.test('hostile Markdown in an answer does nothing', async (t) => {
  const server = await startScriptedServer(t);
  t.equal(HOSTILE.length, 42);
  server.reply = () => ({ text: [...HOSTILE, FORMULA].join('\n\n') });
  const { page, foreign } = await openWithoutPolicy(server.url);
  await page.fill('#message-input', HOSTILE.join('\n'));
  await page.press('#message-input', 'Enter');
  await page.locator('.figures').waitFor();
  await page.locator('.katex svg').waitFor();
  await page.locator('.hljs-keyword').last().waitFor();
  for (const link of await page.locator('.markdown a').all()) {
    const href = (await link.getAttribute('href')) ?? 'https:';
    t.match(href, /^(https?|mailto):/, 'a link leads to a web or mail address, or nowhere');
  }
  const handlers =
    "[...document.querySelectorAll('.turn *')].filter((element) => element.getAttributeNames().some((name) => name.startsWith('on'))).length";
  t.equal(await page.evaluate(handlers), 0);
  t.equal(await page.locator(FORBIDDEN).count(), 0);
  const widest =
    "Math.max(...[...document.querySelectorAll('.katex *')].map((it) => it.offsetWidth || 0))";
  t.ok(Number(await page.evaluate(widest)) < 1_000, 'a formula stays within reason');
  await page.reload();
  await page.locator('.katex svg').waitFor();
  t.equal(await page.locator(FORBIDDEN).count(), 0, 'nor when it is read from the browser again');
  t.equal(await page.evaluate('window.hacked'), undefined);
  t.same(foreign, []);
});

t.test('an answer that is nested too deeply is shown as it was written', async (t) => {
  const deep = `${'>'.repeat(20_000)} deep`;
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: deep });
  const { page, faults } = await openPage(browser, server.url);
  await page.fill('#message-input', 'Well?');
  await page.press('#message-input', 'Enter');
  await page.locator('.figures').waitFor();
  t.equal((await page.locator('.markdown').textContent())?.trim(), deep);
  t.same(faults, []);
});

t.test('hostile names of conversations and models are shown as text', async (t) => {
  const name = '<img src=x onerror="window.hacked=1">';
  const server = await startScriptedServer(t);
  server.modelName = name;
  server.reply = () => ({ status: 400, message: name });
  const { page } = await openWithoutPolicy(server.url);
  await page.fill('#message-input', name);
  await page.press('#message-input', 'Enter');
  await page.locator('.failure').waitFor();
  t.equal(await page.locator('.failure-message').textContent(), name);
  t.equal(await page.locator('.conversation').first().textContent(), name);
  await page.locator('#model-name').getByText(name).waitFor();
  t.equal(await page.evaluate('window.hacked'), undefined);
});
