// What a person sees when an answer does not come: what happened, and a way to try again.
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { startScriptedServer } from '../../support/scripted-server.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);

async function ask(page: Page, text = 'Well?'): Promise<void> {
  await page.fill('#message-input', text);
  await page.press('#message-input', 'Enter');
}

const retry = (page: Page) => page.locator('.failure').getByRole('button', { name: 'Try again' });

const FAILURES = [
  {
    name: 'a full queue',
    reply: { status: 429, message: '32 requests wait already', code: 'queue_full', retryAfterS: 1 },
    shown: /busy.*32 requests wait already/,
  },
  {
    name: 'a full context',
    reply: { status: 400, message: '9,000 of 2,048 tokens', code: 'context_length_exceeded' },
    shown: /too long.*9,000 of 2,048/,
  },
  {
    name: 'a setting that is refused',
    reply: { status: 400, message: 'temperature is too hot' },
    shown: /did not accept.*temperature is too hot/,
  },
  {
    name: 'a model that cannot be loaded',
    reply: { status: 503, message: 'small.gguf is cut short', code: 'load_failed' },
    shown: /cannot be loaded.*small\.gguf is cut short/,
  },
  {
    name: 'a wait that was too long',
    reply: { status: 504, message: 'the deadline passed', code: 'deadline_exceeded' },
    shown: /busy.*the deadline passed/,
  },
  {
    name: 'an engine that dies',
    reply: { text: 'It begins well.', end: 'error' },
    shown: /broke off.*SIGKILL/,
  },
  {
    name: 'a connection that is cut',
    reply: { text: 'It begins well.', end: 'cut' },
    shown: /broke off/,
  },
] as const;

for (const { name, reply, shown } of FAILURES) {
  t.test(`${name} is told, and trying again helps`, async (t) => {
    const server = await startScriptedServer(t);
    const { page } = await openPage(browser, server.url);
    server.reply = () =>
      'text' in reply ? { ...reply, beforeEnd: page.getByText(reply.text).waitFor() } : reply;
    await ask(page);
    await page.locator('.failure').waitFor();
    t.match((await page.locator('.failure').textContent()) ?? '', shown);
    if ('text' in reply) t.match((await page.locator('.markdown').textContent()) ?? '', reply.text);
    server.reply = () => ({ text: 'Now it works.' });
    await retry(page).click();
    await page.locator('.figures').waitFor();
    t.equal(await page.locator('.failure').count(), 0);
  });
}

t.test('a server that is down is told, and a draft is not lost', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, server.url);
  await page.locator('[data-kind=ok]').waitFor();
  await server.close();
  await ask(page);
  await page.locator('.failure').getByText('hearth does not answer').waitFor();
  await page.locator('[data-kind=unreachable]').waitFor();
  t.match((await page.locator('.bubble').textContent()) ?? '', 'Well?');
});

t.test('a question waits for a model that is loading, and shows how far it is', async (t) => {
  const server = await startScriptedServer(t);
  server.health = { status: 503, body: { error: { status: 'loading', progress: 0.42 } } };
  server.reply = () => ({ status: 503, message: 'the model is loading', code: 'not_ready' });
  const { page } = await openPage(browser, server.url);
  await ask(page);
  await page.getByText('hearth is warming up · 42 %').waitFor();
  t.equal(await page.locator('progress').getAttribute('value'), '0.42');
  server.reply = () => ({ text: 'Warm now.' });
  server.health = { status: 200, body: { status: 'ok' } };
  await page.locator('.figures').waitFor();
  t.match((await page.locator('.markdown').textContent()) ?? '', 'Warm now.');
});

t.test('turns that were dropped are told', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: 'Yes.', droppedTurns: 3 });
  const { page } = await openPage(browser, server.url);
  await ask(page);
  await page.locator('.notice').waitFor();
  t.match((await page.locator('.notice').textContent()) ?? '', /3 oldest turns \(300 tokens\)/);
});

t.test('an answer that reached its limit is told', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: 'Too long', finishReason: 'length' });
  const { page } = await openPage(browser, server.url);
  await ask(page);
  await page.getByText('The answer reached its longest allowed length.').waitFor();
});

t.test('a key is asked for, and kept for as long as was chosen', async (t) => {
  const server = await startScriptedServer(t);
  server.key = 'sesame';
  const { page } = await openPage(browser, server.url);
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('API key').fill('wrong');
  await dialog.getByRole('button', { name: 'Unlock' }).click();
  await dialog.getByText('did not accept that key').waitFor();
  await dialog.getByLabel('API key').fill('sesame');
  await dialog.getByRole('button', { name: 'Unlock' }).click();
  await ask(page);
  await page.locator('.figures').waitFor();
  const stored = (where: string) => page.evaluate(`${where}.getItem('hearth.api-key')`);
  t.equal(await stored('sessionStorage'), 'sesame');
  t.equal(await stored('localStorage'), null, 'not on the device unless asked to');
});
