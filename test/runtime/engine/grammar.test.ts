import t from 'tap';
import type { GenerateRequest } from '../../../runtime/engine/engine.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { ask, chat, readyEngine } from './ask.js';

const modelPath = await applianceGguf(t.testdir());
const engine = await readyEngine(modelPath, { parallel: 2, nCtx: 4096 });
t.teardown(() => engine.close());

const input = chat('Hello!');
const bound = (text: string): GenerateRequest => ({ input, grammar: { kind: 'gbnf', text } });

t.test('a hostile grammar costs its own answer, while another goes on', async (t) => {
  const stop = new AbortController();
  const other = ask(
    engine,
    { input, sampling: { temperature: 0, logitBias: { 2: -100 } } },
    { signal: stop.signal },
  );
  const shared = Array.from({ length: 40 }, (_, i) => `r${i} ::= r${i + 1} r${i + 1} | ""\n`);
  const texts = [
    'root ::= "a"{5,2}',
    `root ::= ${'('.repeat(100_000)}"a"${')'.repeat(100_000)}`,
    `root ::= r0\n${shared.join('')}r40 ::= "x"?`,
    'root ::= a root "x" | "y"\na ::= b\nb ::= ""',
    'root ::= "a"\0',
  ];
  for (const text of texts)
    await t.rejects(ask(engine, bound(text)), {
      code: 'bad-request',
      message: /the grammar cannot be used/,
    });
  const schema = JSON.parse(`${'{"items":'.repeat(500)}{}${'}'.repeat(500)}`);
  await t.rejects(ask(engine, { input, grammar: { kind: 'json-schema', schema } }), {
    code: 'bad-request',
    message: /nested deeper/,
  });
  stop.abort();
  t.equal((await other).end.stopReason, 'abort');
  t.equal(engine.restarts, 0);
});

t.test('a grammar that no token can follow is the fault of the request', async (t) => {
  for (const text of ['root ::= [\\x00]', 'root ::= "a" [\\x00]', 'root ::= <[999999]>'])
    for (const temperature of [0, 1])
      await t.rejects(
        ask(engine, { ...bound(text), sampling: { temperature } }),
        { code: 'bad-request', message: /no token of this model continues/ },
        text,
      );
  t.equal((await ask(engine, { input })).end.stopReason, 'eos');
  t.equal(engine.restarts, 0);
});

t.test('a grammar that grows more ambiguous with each character is cut off', async (t) => {
  const text = 'root ::= "a" root "b" | "a" root "c"';
  await t.rejects(ask(engine, { ...bound(text), maxTokens: 2000 }), {
    code: 'bad-request',
    message: /too ambiguous/,
  });
  t.equal((await ask(engine, { input })).end.stopReason, 'eos');
  t.equal(engine.restarts, 0);
});
