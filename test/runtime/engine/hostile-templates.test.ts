// Hostile templates against an engine in its own process: each request ends in seconds with a reason,
// and the engine, never restarted, answers the next.
import path from 'node:path';
import t from 'tap';
import { BUILT_IN_TEMPLATES } from '../../../model/template/built-in-templates.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { withTemplate } from '../../support/gguf-template.js';
import { dispatcher, parseBombs, renderBombs } from '../../support/hostile-templates.js';
import { ask, chat, readyEngine } from './ask.js';

/** "0 hangs over 5 s". */
const PATIENCE_MS = 5000;

const folder = t.testdir();
const sane = await applianceGguf(folder);
const bombsGguf = await withTemplate(
  sane,
  dispatcher(renderBombs),
  path.join(folder, 'bombs.gguf'),
);

const engine = await readyEngine(bombsGguf, { parallel: 2 });
t.teardown(() => engine.close());

/** What a caller is told of each. */
const told = new Map<string, string>();

t.test('a template that renders for ever or into the blue', async (t) => {
  const expected = await ask(engine, { input: chat('Hello!') });
  t.equal(expected.end.stopReason, 'eos');
  for (const name of Object.keys(renderBombs)) {
    const startedAt = performance.now();
    const asked = ask(engine, { input: chat(name), maxTokens: 1 }).catch((error) => error);
    const beside = ask(engine, { input: { kind: 'text', text: 'Hello!' }, maxTokens: 8 });
    await beside;
    const besideMs = performance.now() - startedAt;
    const outcome = await asked;
    const tookMs = performance.now() - startedAt;
    t.match(outcome, { code: /bad-request|context-overflow/ }, name);
    told.set(name, outcome.message);
    t.comment(`${tookMs.toFixed(0)} ms, beside it ${besideMs.toFixed(0)} ms: ${outcome.message}`);
    t.ok(tookMs < PATIENCE_MS, `${name}: ${tookMs.toFixed(0)} ms`);
    t.ok(besideMs < 2000, 'another is answered meanwhile');
    const next = await ask(engine, { input: chat('Hello!') });
    t.same(next.tokenIds, expected.tokenIds, 'and the next after it');
  }
  t.equal(engine.restarts, 0);
});

t.test('what a caller can do is said, and asking for the prompt alone ends as well', async (t) => {
  t.equal(
    told.get('nested loops'),
    "the model's chat template takes more than 2 s; send a plain text prompt, or convert the model with another --chat-template",
  );
  await t.rejects(engine.applyTemplate(chat('a long range')), { code: 'bad-request' });
  const dropped = {
    overflow: 'drop-oldest',
    input: chat('nested loops', 'a', 'b', 'c', 'd'),
  } as const;
  const startedAt = performance.now();
  await t.rejects(ask(engine, dropped), { code: 'bad-request' });
  t.ok(performance.now() - startedAt < PATIENCE_MS, 'one budget for all renderings of a request');
});

t.test('an abort or a deadline ends a request whose template is at work', async (t) => {
  const controller = new AbortController();
  const asked = ask(engine, { input: chat('nested loops') }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 300);
  const startedAt = performance.now();
  t.match((await asked).events, [{ kind: 'end', stopReason: 'abort' }]);
  const late = await ask(engine, { input: chat('nested loops'), deadlineMs: 300 });
  t.match(late.events, [{ kind: 'end', stopReason: 'deadline', timings: { promptTokens: 0 } }]);
  t.ok(performance.now() - startedAt < 2500);
  t.equal((await ask(engine, { input: chat('Hello!') })).end.stopReason, 'eos');
});

t.test('a stranger that is none gives what the same template gives as one of hearth', async (t) => {
  const stranger = `${BUILT_IN_TEMPLATES['llama-2']}{#- by a stranger -#}`;
  const gguf = await withTemplate(sane, stranger, path.join(folder, 'stranger.gguf'));
  const [own, other] = await Promise.all([readyEngine(sane), readyEngine(gguf)]);
  t.teardown(() => Promise.all([own.close(), other.close()]));
  const turns = Array.from({ length: 41 }, (_, i) => `Turn ${i}: how loud is the </s> Yuki C119?`);
  const requests = [
    { input: chat('Hello!') },
    { input: chat(...turns), overflow: 'drop-oldest', maxTokens: 4 },
  ] as const;
  for (const request of requests) {
    const [expected, told] = [await ask(own, request), await ask(other, request)];
    t.same(told.start, expected.start);
    t.same(told.tokenIds, expected.tokenIds);
  }
});

t.test('a template whose parser comes to no end', async (t) => {
  for (const name of ['128 KiB of spaces', 'nested brackets']) {
    const gguf = await withTemplate(sane, parseBombs[name] ?? '', path.join(folder, 'spaces.gguf'));
    const engine = await readyEngine(gguf);
    const startedAt = performance.now();
    await t.rejects(ask(engine, { input: chat('Hello!') }), { code: 'bad-request' }, name);
    t.ok(performance.now() - startedAt < PATIENCE_MS);
    const text = await ask(engine, { input: { kind: 'text', text: '[INST] Hello! [/INST]' } });
    t.equal(text.end.stopReason, 'eos');
    t.equal(engine.restarts, 0);
    await engine.close();
  }
});
