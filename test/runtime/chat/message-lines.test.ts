import t from 'tap';
import { MessageLines } from '../../../runtime/chat/message-lines.js';

/** Null for each line that asks for more. */
function messages(...lines: string[]): (string | null)[] {
  const message = new MessageLines();
  return lines.map((line) => message.add(line));
}

t.test('a line is a message', (t) => {
  t.same(messages('one', '', ' two '), ['one', '', ' two ']);
  t.end();
});

t.test('a backslash at the end goes on', (t) => {
  t.same(messages('a\\', 'b\\', 'c', 'd'), [null, null, 'a\nb\nc', 'd']);
  t.same(messages('\\', '"""'), [null, '\n"""'], 'quotes open a block at the start alone');
  t.end();
});

t.test('quotes keep lines as they are', (t) => {
  t.same(messages('"""', 'a\\', '', ' b', '"""', 'c'), [null, null, null, null, 'a\\\n\n b', 'c']);
  t.same(messages('"""a', 'b"""'), [null, 'a\nb']);
  t.same(messages('"""a"""', '""""""', '"""'), ['a', '', null]);
  t.end();
});

t.test('a command takes a block', (t) => {
  t.same(messages('/system """a', 'b', '"""'), [null, null, '/system a\nb']);
  t.same(messages('/system """', 'a', '"""'), [null, null, '/system a']);
  t.end();
});
