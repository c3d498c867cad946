import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readQuestions } from '../../../../bench/compare/answers/questions.js';

const folder = t.testdir();

async function read(content: string | Buffer) {
  const file = path.join(folder, 'questions');
  writeFileSync(file, content);
  return await readQuestions(file);
}

t.test('a question a line, or JSON Lines with right answers', async (t) => {
  t.same(await read('\ufeffWho?\r\n\n  What? \n'), [
    { text: 'Who?', expected: null },
    { text: 'What?', expected: null },
  ]);
  t.same(await read('{"q": "Who?", "a": "He."}\n{"question": "What?"}\n'), [
    { text: 'Who?', expected: 'He.' },
    { text: 'What?', expected: null },
  ]);
});

t.test('what is no list of questions is refused, with its line', async (t) => {
  const refused: [content: string | Buffer, message: RegExp][] = [
    ['', /questions has no question; write one a line/],
    ['{"q": "Who?"}\nWhat?', /questions:2 is not a JSON object/],
    ['{"q": "Who?"}\n[]', /questions:2 is not a JSON object/],
    ['{"text": "Who?"}', /questions:1 has no question; expected \{"q"/],
    ['{"q": "Who?", "a": 1}', /questions:1 has an answer that is not text: 1/],
    ['x'.repeat(20_001), /questions:1 is 20001 characters long/],
    ['a\n'.repeat(10_001), /has 10001 questions, of at most 10000/],
    [Buffer.from([0xff, 0xfe, 0x41, 0x00]), /is not UTF-8 text/],
  ];
  for (const [content, message] of refused) await t.rejects(read(content), { message });
  await t.rejects(readQuestions(path.join(folder, 'none')), {
    message: /cannot be read \(ENOENT\)/,
  });
  await t.rejects(readQuestions(folder), { message: /is not a file/ });
});
