// Text that may quote a stranger's file, on its way to a terminal or a page.
import t from 'tap';
import {
  escapeHtml,
  inOneLine,
  printable,
  quotable,
  readable,
} from '../../terminal/foreign-text.js';

t.test('what a terminal obeys or what turns the writing is made visible', async (t) => {
  t.equal(
    printable('a\u001b[2Jb\u009bc\r\u0007d\u007f\t'),
    'a\\u001b[2Jb\\u009bc\\u000d\\u0007d\\u007f\\u0009',
  );
  t.equal(printable('exe\u202egpj'), 'exe\\u202egpj');
});

t.test('everything else stays, newlines too', async (t) => {
  const text = 'Wäsche 洗濯 🧺\n│ 5 × 3 │';
  t.equal(printable(text), text);
});

t.test('of an answer, no character that a terminal obeys is left, and all others are', (t) => {
  const turns = new Set('\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069');
  for (let code = 0; code < 0x3000; code++) {
    const character = String.fromCharCode(code);
    // ECMA-48: C0, DEL and C1.
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    const isKept = !(isControl || turns.has(character)) || character === '\n' || character === '\t';
    if (isKept !== (readable(character) === character)) t.fail(`U+${code.toString(16)}`);
    if (!isKept) t.match(readable(character), /^[^\p{Cc}\p{Cf}]+$/u);
  }
  t.equal(readable('a\u001b\u007f\u009b\u202e'), 'a␛␡\\x9b\\u202e');
  t.equal(readable('Grüße, 世界 👋🏽\n\tשלום'), 'Grüße, 世界 👋🏽\n\tשלום');
  t.end();
});

t.test('on one line nothing ends it', async (t) => {
  t.equal(inOneLine('a\r\n\u001b[2Jb\u202ec'), 'a [2Jb c');
  t.equal(quotable('a\n\u001b[2Jb\u202ec\u2028'), 'a??[2Jb?c?');
});

t.test('on a page it is text, and what would steer writing or be no text is its code', (t) => {
  t.equal(escapeHtml('a\u202eb\u0000c\ud800d\ne\tf'), 'a\\u202eb\\u0000c\\ud800d\ne\tf');
  t.equal(escapeHtml(`<a title="x">'&`), '&lt;a title=&quot;x&quot;&gt;&#39;&amp;');
  t.equal(escapeHtml('😀 é'), '😀 é');
  t.end();
});
