import t from 'tap';
import { safeText } from '../../../runtime/chat/safe-text.js';

t.test('no character that a terminal obeys is left, and all others are', (t) => {
  for (let code = 0; code < 0x3000; code++) {
    const character = String.fromCharCode(code);
    // ECMA-48: C0, DEL and C1.
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    const isKept = !isControl || character === '\n' || character === '\t';
    if (isKept !== (safeText(character) === character)) t.fail(`U+${code.toString(16)}`);
    if (!isKept) t.match(safeText(character), /^[^\p{Cc}]+$/u);
  }
  t.equal(safeText('Grüße, 世界 👋🏽\n\tשלום'), 'Grüße, 世界 👋🏽\n\tשלום');
  t.end();
});
