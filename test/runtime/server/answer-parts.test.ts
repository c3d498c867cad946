// However an answer is cut into pieces, its parts are the same.
import t from 'tap';
import { AnswerReader } from '../../../runtime/server/answer-parts.js';

const format = {
  argumentsKey: 'arguments',
  open: '<tool_call>',
  close: '</tool_call>',
  thinks: true,
} as const;

function read(answer: string, size: number, opensThinking = false) {
  const reader = new AnswerReader({ format, splitsThinking: true });
  const start = { promptTokens: 1, cachedTokens: 0, droppedTurns: 0, droppedTokens: 0 };
  const told = { reasoning: '', text: '', calls: [] as string[] };
  const events = [{ kind: 'start' as const, ...start, opensThinking }];
  const pieces = answer.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
  const tokens = pieces.map((text) => ({ kind: 'token' as const, text, tokenIds: [] }));
  for (const part of [...events, ...tokens, { kind: 'end' } as never].flatMap((one) =>
    reader.read(one),
  ))
    if (part.kind === 'call') told.calls.push(`${part.name} `);
    else if (part.kind === 'arguments') told.calls[part.index] += part.text.replaceAll(' ', '');
    else told[part.kind] += part.text;
  return told;
}

t.test('thoughts, words and several calls', async (t) => {
  const call = (on: boolean) =>
    `<tool_call>\n{"name": "set", "arguments": {"on": ${on}}}\n</tool_call>`;
  for (const size of [1, 2, 3, 7, 1000]) {
    const calls = [`set {"on":true}`, `set {"on":false}`];
    const answer = `<think>\nBoth <b>.\n</think>\n\n${call(true)}\n${call(false)}`;
    t.same(read(answer, size), { reasoning: 'Both <b>.', text: '', calls });
    t.same(read('hm </think>\n It is.', size, true), {
      reasoning: 'hm',
      text: 'It is.',
      calls: [],
    });
    t.same(read('<thin air>', size), { reasoning: '', text: '<thin air>', calls: [] });
    t.same(read('so <', size, true), { reasoning: 'so <', text: '', calls: [] });
  }
});

t.test('a token without text is no part', async (t) => {
  const reader = new AnswerReader({ format: null, splitsThinking: false });
  t.same(reader.read({ kind: 'token', text: '', tokenIds: [2] }), []);
  t.same(reader.read({ kind: 'token', text: 'a', tokenIds: [3] }), [{ kind: 'text', text: 'a' }]);
});
