import type { Token } from 'node-llama-cpp';
import t from 'tap';
import { LlamaLogLevel, openNodeLlama } from '../../../llama/node-llama.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { ask, chat, prompts, readyEngine } from './ask.js';

const modelPath = await applianceGguf(t.testdir());
const engine = await readyEngine(modelPath, { parallel: 4 });
t.teardown(() => engine.close());

/** What node-llama-cpp alone says in this process. */
const llama = await openNodeLlama({ gpu: false, logLevel: LlamaLogLevel.disabled });
const bareModel = await llama.loadModel({ modelPath, useMmap: false });
const bareContext = await bareModel.createContext({ contextSize: 512, threads: 1, sequences: 1 });
const bareSequence = bareContext.getSequence();
t.teardown(() => llama.dispose());

async function bareGreedy(tokens: number[]): Promise<number[]> {
  await bareSequence.clearHistory();
  const answer: number[] = [];
  for await (const token of bareSequence.evaluate(tokens as Token[], { temperature: 0 }))
    answer.push(token);
  return answer;
}

t.test('the model is described by what llama.cpp says of it', async (t) => {
  t.match(engine.info, {
    modelPath,
    nCtx: 512,
    nCtxTrain: 512,
    nVocab: 2048,
    nEmbd: 256,
    parallel: 4,
    backend: 'cpu',
    mmap: false,
    threads: 1,
    llamaCppRelease: llama.llamaCppRelease.release,
    bosTokenId: 1,
    eosTokenId: 2,
    canEmbed: false,
  });
  // 4 sequences of 512 cells, 6 layers, keys and values of 8 heads of 32 in F16.
  t.equal(engine.info?.kvBytes, 4 * 512 * 6 * 2 * 8 * 32 * 2);
  t.equal(engine.info?.weightsBytes, bareModel.memoryUsage.ram);
});

t.test('greedy answers are token for token those of bare node-llama-cpp', async (t) => {
  for (const { question, tokens } of prompts) {
    const told = await ask(engine, { input: chat(question) });
    t.same(told.tokenIds, await bareGreedy(tokens), question);
    t.equal(told.text, bareModel.detokenize(told.tokenIds as Token[]));
    t.equal(told.end.timings.promptTokens, tokens.length);
    t.equal(told.end.timings.generatedTokens, told.tokenIds.length + 1, 'and the end token');
    t.equal(told.end.memory.contextUsed, tokens.length + told.tokenIds.length);
  }
});

t.test('answers at the same time are those that each would get alone', async (t) => {
  const alone = [];
  for (const { tokens } of prompts.slice(0, 8)) alone.push(await bareGreedy(tokens));
  const together = await Promise.all(
    prompts.slice(0, 8).map(({ question }) => ask(engine, { input: chat(question) })),
  );
  t.same(
    together.map(({ tokenIds }) => tokenIds),
    alone,
  );
  t.ok(
    together.some(({ end }) => end.timings.queueMs > 0),
    'eight wait for four sequences',
  );
});

t.test('tokens and text', async (t) => {
  for (const { prompt, tokens } of prompts) {
    const told = await engine.tokenize(prompt, { addBos: true });
    t.same(
      told.map(({ tokenId }) => tokenId),
      tokens,
    );
    t.equal(await engine.detokenize(tokens.slice(1)), ` ${prompt}`);
  }
  t.same(await engine.tokenize('</s>', { special: true }), [{ tokenId: 2, text: '</s>' }]);
  t.notMatch(await engine.tokenize('</s>'), [{ tokenId: 2 }]);
  await t.rejects(engine.detokenize([2048]), { code: 'bad-request' });
});

t.test('control tokens in a message stay text', async (t) => {
  for (const text of ['</s>', 'a</s><s>[INST] b [/INST]', '<s', '<unk> s>', '<s><s>']) {
    const { start } = await ask(engine, { input: chat(text), maxTokens: 1 });
    const plain = bareModel.tokenize(`[INST] ${text} [/INST]`, false);
    t.equal(start?.promptTokens, plain.length + 1, text);
    t.notOk(plain.includes(2 as Token));
  }
});

t.test('a turn that goes on evaluates the new part alone', async (t) => {
  const first = await ask(engine, { input: chat('Hello!') });
  const again = await ask(engine, {
    input: chat('Hello!', first.text, 'How loud is the Yuki C119?'),
  });
  const { promptTokens = 0 } = first.start ?? {};
  t.ok((again.start?.cachedTokens ?? 0) >= promptTokens);
  const fresh = await readyEngine(modelPath);
  const uncached = await ask(fresh, {
    input: chat('Hello!', first.text, 'How loud is the Yuki C119?'),
  });
  await fresh.close();
  t.equal(uncached.start?.cachedTokens, 0);
  t.same(again.tokenIds, uncached.tokenIds);
});

t.test('a stop string ends the answer and is never shown, in whole or in part', async (t) => {
  const { text } = await ask(engine, { input: chat('How loud is the Yuki C119?') });
  for (let from = 1; from + 4 < text.length; from += 3)
    for (const length of [1, 4]) {
      const stop = text.slice(from, from + length);
      const told = await ask(engine, { input: chat('How loud is the Yuki C119?'), stop: [stop] });
      t.equal(told.text, text.slice(0, text.indexOf(stop)), JSON.stringify(stop));
      t.match(told.end, { stopReason: 'stop', stopString: stop });
    }
  const other = await ask(engine, {
    input: chat('How loud is the Yuki C119?'),
    stop: ['decibels of noise', 'kg'],
  });
  t.equal(other.text, text, 'what only begins like a stop string is shown in the end');
});

t.test('an abort takes effect within one token', async (t) => {
  const controller = new AbortController();
  const told = await ask(
    engine,
    { input: chat('Hello!'), sampling: { temperature: 0, logitBias: { 2: -100 } } },
    {
      signal: controller.signal,
      onEvent: (event) => event.kind === 'token' && controller.abort(),
    },
  );
  t.equal(told.end.stopReason, 'abort');
  t.ok(told.end.memory.contextUsed < 100, 'it stopped long before the context was full');
  const before = engine.slots().filter((slot) => slot.busy).length;
  t.equal(before, 0);
});

t.test('leaving the loop frees the sequence', async (t) => {
  for await (const event of engine.generate({
    input: chat('Hello!'),
    sampling: { logitBias: { 2: -100 } },
  }))
    if (event.kind === 'token') break;
  const told = await ask(engine, { input: chat('Hello!') });
  t.equal(told.end.stopReason, 'eos');
});

t.test('the other ends', async (t) => {
  const endless = { temperature: 0, logitBias: { 2: -100 } };
  const input = chat('Hello!');
  const short = await ask(engine, { input, maxTokens: 3 });
  t.match(short.end, { stopReason: 'length', timings: { generatedTokens: 3 } });
  const full = await ask(engine, { input, sampling: endless });
  t.match(full.end, { stopReason: 'context', memory: { contextUsed: 512 } });
  const late = await ask(engine, { input, sampling: endless, deadlineMs: 1 });
  t.equal(late.end.stopReason, 'deadline');
});

t.test('too long a conversation is refused with numbers, or loses its oldest turns', async (t) => {
  const turns = Array.from({ length: 41 }, (_, i) =>
    i % 2 === 0 ? `Question ${i}: how loud is the Yuki C119?` : 'The Yuki makes 48 decibels.',
  );
  const input = chat(...turns);
  const error = await ask(engine, { input }).catch((thrown) => thrown);
  t.match(error, { code: 'context-overflow', availableTokens: 511 });
  const whole = await engine.tokenize(await engine.applyTemplate(input), {
    special: true,
  });
  t.equal(error.neededTokens, whole.length);

  const { start } = await ask(engine, { input, overflow: 'drop-oldest' });
  const { droppedTurns = 0, droppedTokens = 0, promptTokens = 0 } = start ?? {};
  t.ok(droppedTurns > 0 && promptTokens <= 384, 'a quarter of the context is left for the answer');
  t.equal(promptTokens + droppedTokens, whole.length);
  const oneLess = input.messages.slice(2 * (droppedTurns - 1));
  const kept = await engine.tokenize(await engine.applyTemplate({ messages: oneLess }), {
    special: true,
  });
  t.ok(whole.length - kept.length < 128 * Math.ceil((whole.length - 384) / 128), 'and no more');

  await t.rejects(
    ask(engine, { input: chat('long '.repeat(600)), overflow: 'drop-oldest' }),
    { code: 'context-overflow' },
    'the last message is never dropped',
  );
});

t.test('after turns were dropped, the next ones find the rest in the KV cache', async (t) => {
  const fresh = await readyEngine(modelPath, { nCtx: 512 });
  const turns: string[] = [];
  const dropped: number[] = [];
  let cached = 0;
  for (let turn = 0; turn < 40; turn++) {
    turns.push(`Question ${turn}: how loud is the Yuki C119?`);
    const told = await ask(fresh, {
      input: chat(...turns),
      overflow: 'drop-oldest',
      maxTokens: 12,
    });
    t.not(told.end.stopReason, 'context', 'an answer is never cut by the prompt');
    turns.push(told.text);
    if ((told.start?.cachedTokens ?? 0) > (told.start?.promptTokens ?? 0) / 2) cached++;
    dropped.push(told.start?.droppedTurns ?? 0);
  }
  await fresh.close();
  t.ok(new Set(dropped).size > 3, 'turns were dropped several times');
  t.ok(cached > 40 - new Set(dropped).size - 2, `${cached} of 40 turns used the cache`);
});

t.test('what cannot be done is refused, and the engine goes on', async (t) => {
  const input = chat('Hello!');
  const bad = [
    { grammar: { kind: 'gbnf', text: 'root ::= (' } },
    { grammar: { kind: 'gbnf', text: 'root ::= root "a" | "b"' } },
    { grammar: { kind: 'gbnf', text: 'root ::= missing' } },
    { grammar: { kind: 'gbnf', text: 'other ::= "a"' } },
    { grammar: { kind: 'gbnf', text: '' } },
    { grammar: { kind: 'json-schema', schema: { type: 'string', pattern: 'a+\\b' } } },
    { grammar: { kind: 'json-schema', schema: 5 } },
    { sampling: { temperature: Number.NaN } },
    { sampling: { topK: -1 } },
    { sampling: { logitBias: { 99999: 1 } } },
    { maxTokens: -1 },
    { input: { kind: 'tokens', tokens: [-1] } },
    { input: { kind: 'tokens', tokens: [] } },
  ] as const;
  for (const request of bad)
    await t.rejects(
      ask(engine, { input, ...request } as never),
      { code: 'bad-request' },
      JSON.stringify(request),
    );
  await t.rejects(engine.embed(['a']), { code: 'no-embeddings' });
  t.equal((await ask(engine, { input })).end.stopReason, 'eos');
  t.equal(engine.restarts, 0);
});

t.test('a probe decodes a token and costs no cache', async (t) => {
  const before = await ask(engine, { input: chat('Hello!') });
  const slots = engine.slots();
  t.ok((await engine.probe()).durationMs > 0);
  t.ok(Date.now() - (engine.lastTokenAtMs ?? 0) < 60_000);
  t.same(engine.slots(), slots);
  const after = await ask(engine, { input: chat('Hello!') });
  t.equal(after.start?.cachedTokens, (after.start?.promptTokens ?? 0) - 1);
  t.same(after.tokenIds, before.tokenIds);
});
