// Files that go with a question: their text reaches the model as it is, and what is no text, too large or
// hostile is refused in words, without anything being sent.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { packageRoot } from '../../support/samples.js';
import { startScriptedServer } from '../../support/scripted-server.js';
import { pdfOf, smallPdf } from '../../support/small-pdf.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);

type NamedFile = { name: string; mimeType: string; buffer: Buffer };

const fileOf = (name: string, content: string | Buffer): NamedFile => {
  return { name, mimeType: '', buffer: Buffer.from(content) };
};
const attach = (page: Page, ...files: NamedFile[]) =>
  page.locator('#attach-files').setInputFiles(files);
const chips = (page: Page) => page.locator('#attachments .file-name').allTextContents();

/** After everything that was chosen is read or refused. */
async function refusals(page: Page): Promise<string[]> {
  await page
    .locator('.file-name', { hasText: /^Reading/ })
    .first()
    .waitFor({ state: 'detached' });
  return page.locator('.refusal').allTextContents();
}

t.test(
  'text, Japanese of Windows, code and a PDF are read and sent with the question',
  async (t) => {
    const server = await startScriptedServer(t);
    const { page, faults, origins } = await openPage(browser, server.url);
    const japanese = smallPdf({
      content: 'BT /F1 12 Tf 20 100 Td <65E5672C8A9E> Tj ET',
      font: `<< /Type /Font /Subtype /Type0 /BaseFont /Ryumin-Light /Encoding /UniJIS-UTF16-H
      /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Ryumin-Light
      /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 6 >>
      /FontDescriptor << /Type /FontDescriptor /FontName /Ryumin-Light /Flags 4 /StemV 80
      /FontBBox [0 0 1000 1000] /ItalicAngle 0 /Ascent 800 /Descent -200 >> >>] >>`,
    });
    await attach(
      page,
      fileOf('notes.md', '# Notes\r\n\r\n```js\nlet x;\n```\n'),
      fileOf('sjis.txt', Buffer.from('8365838c8372', 'hex')),
      fileOf('letter.pdf', pdfOf('Dear neighbour')),
      fileOf('japan.pdf', japanese),
    );
    t.same(await refusals(page), []);
    t.same(await chips(page), ['notes.md', 'sjis.txt', 'letter.pdf', 'japan.pdf']);
    await page.getByRole('button', { name: 'Remove sjis.txt' }).click();
    await attach(page, fileOf('wide.txt', Buffer.from('fffe4100e565', 'hex')));
    t.same(await refusals(page), []);
    await page.fill('#message-input', 'What is it?');
    await page.press('#message-input', 'Enter');
    await page.locator('.figures').waitFor();
    t.equal(
      server.requests[0]?.messages[0]?.content,
      [
        'notes.md:\n````\n# Notes\n\n```js\nlet x;\n```\n\n````',
        'letter.pdf:\n```\nDear neighbour\n```',
        'japan.pdf:\n```\n日本語\n```',
        'wide.txt:\n```\nA日\n```',
        'What is it?',
      ].join('\n\n'),
    );
    t.same(await chips(page), [], 'the next question starts without them');
    t.equal(await page.locator('.user-turn .file-chip').count(), 4);
    t.same(faults, []);
    t.same([...origins], [new URL(server.url).origin], 'nothing is loaded from elsewhere');
  },
);

t.test('old encodings of Windows and Unix are told apart', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, server.url);
  await attach(
    page,
    fileOf('euc.txt', Buffer.from('a4dfa4baa4f2a4c8a4e1a4eb', 'hex')),
    fileOf('halfwidth.txt', Buffer.from('b4d7b02031', 'hex')),
    fileOf('french.txt', Buffer.from('74e96ce9766973696f6e', 'hex')),
    fileOf('german.txt', Buffer.from('4df66368746520534945203220b032', 'hex')),
  );
  t.same(await refusals(page), []);
  await page.press('#message-input', 'Enter');
  await page.locator('.figures').waitFor();
  t.equal(
    server.requests[0]?.messages[0]?.content,
    [
      'euc.txt:\n```\nみずをとめる\n```',
      'halfwidth.txt:\n```\nｴﾗｰ 1\n```',
      'french.txt:\n```\ntélévision\n```',
      'german.txt:\n```\nMöchte SIE 2 °2\n```',
    ].join('\n\n'),
  );
});

t.test('a file of nothing but fences is sent inside a longer one', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, server.url);
  await attach(page, fileOf('fences.txt', '```\n'.repeat(200_000)));
  t.same(await refusals(page), []);
  await page.press('#message-input', 'Enter');
  await page.locator('.figures').waitFor();
  t.match(server.requests[0]?.messages[0]?.content, /^fences\.txt:\n````\n```\n/);
});

t.test('what is no text, too much or hostile is refused in words', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, server.url);
  const icon = readFileSync(path.join(packageRoot, 'docs/pictures/chat.png'));
  const javascript = smallPdf({
    content: 'BT /F1 12 Tf 20 100 Td (seen) Tj ET',
    objects: ['<< /S /JavaScript /JS (app.alert(1); this.submitForm("http://127.0.0.1:9/")) >>'],
  });
  const bomb = smallPdf({ content: Buffer.alloc(200 * 2 ** 20, ' '), deflated: 2 });
  const cases: [file: NamedFile, words: RegExp | null][] = [
    [fileOf('empty.txt', ''), /empty\.txt is empty/],
    [fileOf('photo.txt', icon), /photo\.txt holds no text/],
    [fileOf('cut.txt', Buffer.from([0x41, 0xff, 0x90, 0x81])), /holds no text/],
    [fileOf('zeros.csv', Buffer.alloc(500)), /holds no text/],
    [fileOf('office.docx', deflateRawSync(Buffer.alloc(900, 'PK'))), /holds no text/],
    [fileOf('huge.log', 'x'.repeat(2_000_001)), /huge\.log has 2 MB; files up to 2 MB/],
    [fileOf('letters.txt', 'x'.repeat(1_000_001)), /more than 1,000,000 letters/],
    [fileOf('picture.pdf', icon), /named as a PDF, but holds something else/],
    [fileOf('letter.txt', pdfOf('x')), /holds a PDF under another name/],
    [fileOf('cut.pdf', '%PDF-1.7\n1 0 obj\n<< /Type'), /damaged, or not a real PDF/],
    [fileOf('blank.pdf', smallPdf({})), /no text that could be read/],
    [fileOf('locked.pdf', smallPdf({ trailer: LOCKED })), /locked with a password/],
    [fileOf('bomb.pdf', bomb), /no text that could be read|damaged/],
    [fileOf('script.pdf', javascript), null],
  ];
  for (const [file, words] of cases) {
    await attach(page, file);
    const found = await refusals(page);
    if (words) t.match(found, [words], file.name);
    else t.same(found, [], file.name);
  }
  t.same(await chips(page), ['script.pdf']);
  await attach(page, ...Array.from({ length: 9 }, (_, i) => fileOf(`${i}.txt`, 'x')));
  t.match(await refusals(page), [/No more than 8 files/]);
  t.equal(await page.locator('#attachments .file-chip').count(), 8);
  t.equal(server.requests.length, 0);
});

t.test('a PDF that never ends is given up, and the page goes on meanwhile', async (t) => {
  const server = await startScriptedServer(t);
  const { page } = await openPage(browser, server.url);
  await page.clock.install();
  await attach(page, fileOf('endless.pdf', endlessPdf()));
  await page.getByText('Reading endless.pdf').waitFor();
  await page.fill('#message-input', 'Still here');
  t.ok(await page.locator('#send-button').isDisabled(), 'nothing is sent while a file is read');
  await page.waitForTimeout(300);
  await page.clock.fastForward(20_000);
  t.match(await refusals(page), [/endless\.pdf was not read: it took more than 20 seconds/]);
  t.notOk(await page.locator('#send-button').isDisabled());
  await attach(page, fileOf('endless.pdf', endlessPdf()));
  await page.getByRole('button', { name: /^Remove Reading endless/ }).click();
  t.same(await refusals(page), [], 'or taken away by hand');
});

/** Forty forms, each of which shows the next one twice. */
function endlessPdf(): Buffer {
  const forms = Array.from({ length: 40 }, (_, i) => {
    const content = i === 39 ? 'BT /F1 9 Tf (x) Tj ET' : '/N Do /N Do';
    const next = `/Resources << /Font << /F1 5 0 R >> /XObject << /N ${i + 7} 0 R >> >>`;
    return `<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] ${next} /Length ${content.length} >>
stream\n${content}\nendstream`;
  });
  return smallPdf({ content: '/N Do', xObjects: '/N 6 0 R', objects: forms });
}

const LOCKED = `/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4
  /O <${'11'.repeat(32)}> /U <${'22'.repeat(32)}> >>`;
