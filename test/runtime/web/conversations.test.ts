// What a person does with whole conversations: other versions, going on, addresses, finding, opening files.
import { readFileSync } from 'node:fs';
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

const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: true });
const lastAnswer = (page: Page) => page.locator('.answer-turn').last();
const answer = (page: Page, text: string) =>
  page.locator('.markdown').getByText(text, { exact: true });
const bubbles = (page: Page) => page.locator('.bubble').allTextContents();

t.test('a question can be asked in other words, and every version can be seen again', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = ({ messages }) => ({ text: `To ${messages.map((it) => it.content).join('|')}.` });
  const { page, faults } = await openPage(browser, server.url);
  await ask(page, 'One');
  await answer(page, 'To One.').waitFor();
  await ask(page, 'Two');
  await answer(page, 'To One|To One.|Two.').waitFor();
  await page.locator('.user-turn').first().hover();
  await button(page, 'Edit').first().click();
  const edited = page.getByRole('textbox', { name: 'Your question' });
  await page.keyboard.type('!');
  t.equal(await edited.inputValue(), 'One!', 'gone on with, not replaced by the first letter');
  await edited.fill('Uno');
  await button(page, 'Ask this instead').click();
  await answer(page, 'To Uno.').waitFor();
  t.same(await bubbles(page), ['Uno'], 'what followed the first version is not in the second');
  t.same(server.requests[2]?.messages, [{ role: 'user', content: 'Uno' }]);
  await button(page, 'Try again').click();
  await page.locator('.branch').nth(1).getByText('2 of 2').waitFor();
  await page.locator('.user-turn').getByRole('button', { name: 'Earlier version' }).click();
  t.same(await bubbles(page), ['One', 'Two'], 'the first version, with all that followed');
  await page.reload();
  await answer(page, 'To One|To One.|Two.').waitFor();
  await page.locator('.user-turn').getByRole('button', { name: 'Later version' }).click();
  t.same(await bubbles(page), ['Uno'], 'kept in the browser');
  t.equal(await page.locator('.branch').count(), 2);
  t.same(faults, []);
});

t.test('two tabs that go on with one conversation lose none of its turns', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = ({ messages }) => ({ text: `To ${messages.at(-1)?.content}.` });
  const { page } = await openPage(browser, server.url);
  await ask(page, 'One');
  await answer(page, 'To One.').waitFor();
  const other = await page.context().newPage();
  await other.goto(page.url());
  await answer(other, 'To One.').waitFor();
  await ask(page, 'Two');
  await answer(page, 'To Two.').waitFor();
  await ask(other, 'Three');
  await answer(other, 'To Three.').waitFor();
  await other.locator('.figures').nth(1).waitFor();
  await other.reload();
  await answer(other, 'To Three.').waitFor();
  t.same(await bubbles(other), ['One', 'Three']);
  await button(other, 'Later version').click();
  t.same(await bubbles(other), ['One', 'Two']);
  await answer(other, 'To Two.').waitFor();
});

t.test('a stopped answer shows its figures and goes on where it was', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: 'word '.repeat(400), pauseMs: 20 });
  const { page } = await openPage(browser, server.url);
  await ask(page, 'Tell me');
  await page.getByText('word word word word').waitFor();
  await page.keyboard.press('Escape');
  await lastAnswer(page).getByText('Stopped.', { exact: true }).waitFor();
  const figures = (await lastAnswer(page).locator('.figures summary').textContent()) ?? '';
  t.match(figures, /^≈ \d+(\.\d)? tok\/sTTFT ≈ \d/, 'measured in the page, and said so');
  const rate = Number(/[\d.]+/.exec(figures)?.[0]);
  t.ok(rate > 1 && rate < 500, `a word every 20 ms, give or take what else runs here: ${rate}`);
  const said = (await lastAnswer(page).locator('.markdown').textContent()) ?? '';
  server.reply = () => ({ text: 'and the end.' });
  await button(page, 'Continue').click();
  await lastAnswer(page).getByText('and the end.').waitFor();
  const { messages = [] } = server.requests[1] ?? {};
  t.same(
    messages.map(({ role }) => role),
    ['user', 'assistant'],
    'what was said is the last message',
  );
  t.equal(messages[1]?.content.trim(), said.trim());
  const whole = (await lastAnswer(page).locator('.markdown').textContent()) ?? '';
  t.equal(whole.trim(), `${messages[1]?.content}and the end.`.trim(), 'one answer of both parts');
  t.equal(await page.locator('.answer-turn').count(), 1);
  t.equal(await button(page, 'Continue').count(), 0, 'an answer that is complete does not go on');
});

t.test('each conversation has an address: back, reload and bookmarks work', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = ({ messages }) => ({ text: `About ${messages.at(-1)?.content}.` });
  const { page } = await openPage(browser, server.url);
  await ask(page, 'apples');
  await answer(page, 'About apples.').waitFor();
  const apples = page.url();
  t.match(apples, /\/#\/c\/[0-9a-f]{32}$/);
  t.equal(await page.title(), 'apples · hearth');
  await button(page, 'New conversation').click();
  t.equal(page.url(), server.url, 'nothing is kept yet');
  await ask(page, 'pears');
  await answer(page, 'About pears.').waitFor();
  await page.goBack();
  await answer(page, 'About apples.').waitFor();
  await page.goForward();
  await answer(page, 'About pears.').waitFor();
  await page.reload();
  await answer(page, 'About pears.').waitFor();
  await page.goto(apples);
  await answer(page, 'About apples.').waitFor();
  await page.fill('#message-input', 'a draft');
  await page.goto(apples.replace(/[0-9a-f]{32}$/, 'f'.repeat(32)));
  await page.getByRole('alert').getByText('is not in this browser').waitFor();
  t.equal(await page.locator('.conversation').count(), 2, 'nothing is lost');
  await page.goBack();
  t.equal(await page.inputValue('#message-input'), 'a draft');
});

t.test(
  'a conversation that still answers is marked, and others can be found by their words',
  async (t) => {
    const server = await startScriptedServer(t);
    const { page } = await openPage(browser, server.url);
    await ask(page, 'Where is my テレビ remote?');
    await answer(page, 'Hello there.').waitFor();
    await button(page, 'New conversation').click();
    server.reply = () => ({ text: 'never '.repeat(500), pauseMs: 20 });
    await ask(page, 'A long story');
    await page.getByText('never never').waitFor();
    await button(page, 'New conversation').click();
    const mark = page.locator('.conversation', { has: page.locator('.answering-mark') });
    t.match(await mark.allTextContents(), [/A long story.*still answering/]);
    const search = page.getByRole('searchbox', { name: 'Search conversations' });
    await search.fill('てれび HELLO');
    await page.getByText('One conversation found').waitFor();
    t.match(await page.locator('.conversation').allTextContents(), [/^Where is my テレビ remote/]);
    await search.fill('hello');
    t.match(await page.locator('.snippet').allTextContents(), ['Hello there.']);
    await search.fill('unheard of');
    await page.getByText('No conversation has these words.').waitFor();
    await search.fill('');
    await page.locator('.conversation').first().click();
    await page.keyboard.press('Escape');
    await page.getByText('Stopped.', { exact: true }).waitFor();
    t.equal(await mark.count(), 0);
  },
);

t.test('what was saved opens again, and any other file is told what it is', async (t) => {
  const server = await startScriptedServer(t);
  server.reply = () => ({ text: `Answer ${server.requests.length}` });
  const { page, faults } = await openPage(browser, server.url);
  await ask(page, 'Keep this');
  await answer(page, 'Answer 1').waitFor();
  await button(page, 'Try again').click();
  await answer(page, 'Answer 2').waitFor();
  await button(page, 'Actions for Keep this').click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'Save as JSON' }).click(),
  ]);
  const saved = readFileSync(await download.path(), 'utf8');
  const open = (text: string) => {
    const file = { name: 'some.json', mimeType: 'application/json', buffer: Buffer.from(text) };
    return page.locator('#import-file').setInputFiles(file);
  };
  await open(saved);
  await page.locator('.conversation').nth(1).waitFor();
  t.same(await page.locator('.conversation').allTextContents(), ['Keep this', 'Keep this']);
  await answer(page, 'Answer 2').waitFor();
  t.equal(await page.locator('.branch').textContent(), '2 of 2', 'with all its versions');

  const parsed = JSON.parse(saved);
  const [conversation] = parsed.conversations;
  const { format: _, ...first } = { ...conversation, turns: conversation.turns.slice(0, 2) };
  for (const turn of first.turns) delete turn.parentId;
  await open(JSON.stringify(first));
  await page.locator('.conversation').nth(2).waitFor();
  await answer(page, 'Answer 1').waitFor();

  const circular = structuredClone(conversation);
  circular.turns[0].parentId = circular.turns[1].id;
  const refusals: [text: string, words: RegExp][] = [
    ['# Keep this', /It is not JSON/],
    ['[{"title":"x","mapping":{}}]', /from ChatGPT/],
    ['[{"chat":{"history":{}}}]', /from Open WebUI/],
    ['{"some":"thing"}', /from another program/],
    [JSON.stringify({ ...parsed, version: 99 }), /newer hearth \(format 99\)/],
    [JSON.stringify({ ...parsed, conversations: [] }), /no conversation/],
    [JSON.stringify({ ...parsed, conversations: [{ ...conversation, turns: 7 }] }), /“turns”/],
    [JSON.stringify({ ...parsed, conversations: [circular] }), /“turns.parentId”/],
    [JSON.stringify({ ...parsed, conversations: [{ ...conversation, id: '"><b>' }] }), /“id”/],
  ];
  for (const [text, words] of refusals) {
    await open(text);
    const dialog = page.getByRole('dialog', { name: 'This file was not opened' });
    t.match(await dialog.textContent(), words);
    t.match(await dialog.textContent(), 'Nothing was changed here.');
    await dialog.getByRole('button', { name: 'Close' }).click();
  }
  t.equal(await page.locator('.conversation').count(), 3);
  t.same(faults, []);
});

t.test('a long question folds, and settings on auto say their value', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, server.url);
  await ask(page, 'A line\n'.repeat(40));
  await page.locator('.figures').waitFor();
  const height = async () => (await page.locator('.bubble').boundingBox())?.height ?? 0;
  const folded = await height();
  t.ok(folded < 200, `${folded} px`);
  await button(page, 'Show all').click();
  t.ok((await height()) > 3 * folded);
  t.equal(await button(page, 'Show less').getAttribute('aria-expanded'), 'true');
  await button(page, 'Settings').click();
  await page.locator('#sampling-top_k[placeholder="auto: 40"]').waitFor();
  const shown = (name: string) => page.locator(`#sampling-${name}`).getAttribute('placeholder');
  t.equal(await shown('temperature'), 'auto: 0.8');
  t.equal(await shown('max_tokens'), 'auto: until the context is full');
});

t.test('a reload shows all of 50 conversations', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, server.url);
  const conversations = Array.from({ length: 50 }, (_, i) => conversationOf(i, 40));
  const text = JSON.stringify({ format: 'hearth-conversations', version: 2, conversations });
  const file = { name: 'all.json', mimeType: 'application/json', buffer: Buffer.from(text) };
  await page.locator('#import-file').setInputFiles(file);
  // They are listed before the browser has kept them, which is when this is said.
  await page.getByText('50 conversations were opened.').waitFor();
  await page.addInitScript(`
    const { normalize } = String.prototype;
    window.normalized = 0;
    String.prototype.normalize = function (form) {
      window.normalized += this.length;
      return normalize.call(this, form);
    };`);
  await page.reload();
  await page.locator('.answer-turn .figures, .answer-turn .turn-actions').last().waitFor();
  const paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime";
  t.comment(`first paint after ${await page.evaluate(paint)} ms`);
  await page.locator('.conversation').nth(49).waitFor();
  t.equal(await page.locator('.conversation').count(), 50);
  t.equal(await page.evaluate('normalized'), 0, 'no text is read where nothing is looked for');
  t.equal(await page.locator('.answer-turn').count(), 20);
});

function conversationOf(number: number, turnCount: number) {
  const turns = Array.from({ length: turnCount }, (_, i) => {
    const base = { id: `${i}`, parentId: i === 0 ? null : `${i - 1}`, text: PARAGRAPH };
    if (i % 2 === 0) return { kind: 'user', ...base, attachments: [] };
    return { kind: 'answer', ...base, state: { kind: 'done', finishReason: 'stop' } };
  });
  const id = number.toString(16).padStart(32, '0');
  const settings = { system: '', sampling: {} };
  return { id, title: `Number ${number}`, updatedAtMs: number, settings, turns, lastId: null };
}

const PARAGRAPH = `**Bold** words and a list:\n\n${'- An item with some words in it\n'.repeat(12)}`;
