import t from 'tap';
import { Transcript } from '../../../runtime/chat/transcript.js';

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const system = (content: string) => ({ role: 'system', content });

t.test('a question that failed leaves no trace, and can be asked again', (t) => {
  const conversation = new Transcript('S');
  t.same(conversation.ask('a'), [system('S'), user('a')]);
  conversation.answered('a', 'A');
  conversation.ask('b');
  t.same(conversation.messages, [system('S'), user('a'), assistant('A')]);
  t.equal(conversation.takeBack(), 'b');
  t.equal(conversation.turnCount, 1, 'the answer before it stays');
  t.end();
});

t.test('taking back an answered question takes its answer as well', (t) => {
  const conversation = new Transcript();
  for (const question of ['a', 'a', 'b']) {
    conversation.ask(question);
    conversation.answered(question, 'x');
  }
  t.equal(conversation.takeBack(), 'b');
  t.equal(conversation.turnCount, 2);
  conversation.ask('a');
  t.equal(conversation.takeBack(), 'a');
  t.equal(conversation.turnCount, 2, 'though it is the same as one that was answered');
  conversation.reset();
  t.equal(conversation.takeBack(), undefined);
  t.end();
});

t.test('it is loaded from what it says', (t) => {
  const conversation = new Transcript('old');
  conversation.ask('lost');
  const messages = [system('S'), user('a'), assistant('A'), user('b'), assistant('')];
  conversation.load(messages);
  t.same(conversation.messages, messages);
  t.equal(conversation.takeBack(), 'b');
  conversation.load([]);
  t.same(conversation.messages, []);
  t.end();
});

t.test('anything else is refused and changes nothing', (t) => {
  const conversation = new Transcript('S');
  const bad: unknown[][] = [
    [user('a')],
    [assistant('a'), user('b')],
    [user('a'), user('b')],
    [user('a'), assistant('b'), system('c')],
    [system('a'), system('b')],
    [null],
    ['text'],
    [{ role: 'tool', content: 'a' }],
    [{ role: 'user', content: ['a'] }],
    [{ role: 'user' }],
  ];
  for (const messages of bad)
    t.throws(() => conversation.load(messages), /must/, JSON.stringify(messages));
  t.same(conversation.messages, [system('S')]);
  t.end();
});
