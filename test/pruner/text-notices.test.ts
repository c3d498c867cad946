// What is said of a text, and of which nothing must be said: a wrong warning is worse than none.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readTexts } from '../../pruner/general-text.js';
import { languageNotice, shortTextNotice, unlikelyTextNotice } from '../../pruner/text-notices.js';
import { tinyGguf } from '../support/tiny-gguf.js';

const ENGLISH =
  'A kettle boils water for tea. Fill it no higher than the line, and press the switch.\n';
const GERMAN =
  'Der Wasserkocher bringt Wasser für den Tee zum Kochen. Füllen Sie ihn nicht über die Linie.\n';
const JAPANESE =
  'Androidのアプリをインストールするには、設定を開き、Wi-Fiに接続してください。線を越えて水を入れないでください。\n';
const CHINESE = '水壶把水烧开来泡茶。加水不要超过标线，盖好盖子，然后按下开关。\n';
const RUSSIAN = 'Чайник кипятит воду для чая. Не наливайте выше отметки и нажмите кнопку.\n';
const CODE = 'for (let i = 0; i < 10; i++) { console.log(values[i]); }\n';

/** A checkpoint's folder with such a card. */
function withCard(head: string): string {
  return t.testdir({ 'README.md': `---\nlicense: mit\n${head}\ntags: [a]\n---\n# A model\n` });
}

t.test('texts in a language that the model is made for are passed over', async (t) => {
  const { texts: general } = await readTexts([]);
  for (const [head, ...texts] of [
    ['language: en', ENGLISH, CODE, general, `${ENGLISH}${JAPANESE}`],
    ['language:\n- de', GERMAN, ENGLISH],
    ['language:\n- ja', JAPANESE, `${JAPANESE}${CODE}`],
    ['language: [en, ja]', ENGLISH, JAPANESE],
    ['language:\n  - "zh"\n  - en', CHINESE, ENGLISH, JAPANESE],
    ['language: ru', RUSSIAN],
    ['language:\n- en\n- multilingual', RUSSIAN],
    ['language: en', '1 2 3'],
    ['pipeline_tag: text-generation', JAPANESE],
  ] as const)
    for (const text of texts)
      t.equal(await languageNotice(text, withCard(head)), null, `${head}: ${text.slice(0, 40)}`);
});

t.test('a text without the letters of those languages is told, and by what', async (t) => {
  const { texts: general } = await readTexts([]);
  for (const [head, text, name] of [
    ['language: ja', general, 'Japanese'],
    ['language: ja', CHINESE, 'Japanese'],
    ['language:\r\n- ru\r\n- uk', ENGLISH, 'Russian, Ukrainian'],
    ['language: en', RUSSIAN, 'English'],
  ] as const) {
    const notice = await languageNotice(text, withCard(head));
    t.match(notice, new RegExp(`its README\\.md names ${name} as .* 0 % of the text's letters`));
  }
});

t.test("a GGUF's general.languages say the same", async (t) => {
  const file = path.join(t.testdir(), 'model.gguf');
  const metadata = { 'general.architecture': 'llama', 'general.languages': ['ko'] };
  writeFileSync(file, tinyGguf({ metadata }));
  t.match(await languageNotice(ENGLISH, file), /general\.languages names Korean/);
  t.equal(await languageNotice('주전자는 차를 위해 물을 끓입니다.', file), null);
});

t.test('a text that the model finds unlikely is told', (t) => {
  t.match(unlikelyTextNotice(1.39), /finds this text unlikely \(1\.39 nats a byte; /);
  t.equal(unlikelyTextNotice(1.09), null);
  t.end();
});

t.test('few tokens are told, enough are not', (t) => {
  t.match(shortTextNotice(1), /^1 token of text.* are few.*8192 or more/);
  t.equal(shortTextNotice(8192), null);
  t.end();
});
