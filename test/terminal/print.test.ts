// Text that may quote a stranger's file, on its way to a terminal.
import t from 'tap';
import { printable } from '../../terminal/print.js';

t.test('what a terminal obeys or what turns the writing is made visible', async (t) => {
  t.equal(
    printable('a\u001b[2Jb\u009bc\r\u0007d\u007f'),
    'a\\u001b[2Jb\\u009bc\\u000d\\u0007d\\u007f',
  );
  t.equal(printable('exe\u202egpj'), 'exe\\u202egpj');
});

t.test('everything else stays, newlines too', async (t) => {
  const text = 'Wäsche 洗濯 🧺\n│ 5 × 3 │';
  t.equal(printable(text), text);
});
