import type { Token } from 'node-llama-cpp';
import t from 'tap';
import { LlamaLogLevel, openNodeLlama } from '../../../../llama/node-llama.js';
import { applianceGguf } from '../../../support/appliance-gguf.js';
import { ask, chat, prompts, readyEngine } from '../ask.js';

const modelPath = await applianceGguf(t.testdir());
const engine = await readyEngine(modelPath);
t.teardown(() => engine.close());

/** What node-llama-cpp alone says in this process. */
const llama = await openNodeLlama({ gpu: false, logLevel: LlamaLogLevel.disabled });
t.teardown(() => llama.dispose());

t.test('log-probabilities are the softmax of the logits', async (t) => {
  const tokens = prompts[0]?.tokens ?? [];
  const { events } = await ask(engine, {
    input: { kind: 'tokens', tokens },
    topLogprobs: 5,
    maxTokens: 1,
    sampling: { temperature: 0.7, topK: 3, seed: 1, repeatPenalty: 1.3 },
  });
  const [told] = events.flatMap((event) => (event.kind === 'token' ? (event.logprobs ?? []) : []));
  const bareModel = await llama.loadModel({ modelPath, useMmap: false });
  const flashAttention = engine.info?.flashAttention === true;
  const options = { contextSize: 512, threads: 1, flashAttention };
  const bareContext = await bareModel.createContext(options);
  const bareSequence = bareContext.getSequence();
  const output = await bareSequence.controlledEvaluate([
    ...(tokens.slice(0, -1) as Token[]),
    [tokens.at(-1) as Token, { generateNext: { logits: true, options: { temperature: 0 } } }],
  ]);
  const logits = [...(output.at(-1)?.next.logits ?? [])];
  const max = Math.max(...logits.map(([, logit]) => logit));
  const logSum = max + Math.log(logits.reduce((sum, [, logit]) => sum + Math.exp(logit - max), 0));
  const expected = logits.map(([tokenId, logit]) => ({ tokenId, logprob: logit - logSum }));
  expected.sort((a, b) => b.logprob - a.logprob);
  t.same(
    told?.top.map(({ tokenId }) => tokenId),
    expected.slice(0, 5).map(({ tokenId }) => tokenId),
  );
  told?.top.forEach(({ logprob }, i) => {
    t.ok(Math.abs(logprob - (expected[i]?.logprob ?? 0)) < 1e-3, `${logprob}`);
  });
});

t.test('sampling is repeatable with a seed, and biases count', async (t) => {
  const request = { input: chat('Hello!'), sampling: { temperature: 2, seed: 7 }, maxTokens: 20 };
  const [first, second] = [await ask(engine, request), await ask(engine, request)];
  t.same(first.tokenIds, second.tokenIds);
  const { tokenIds } = await ask(engine, { input: chat('Hello!'), maxTokens: 1 });
  const forbidden = { temperature: 0, logitBias: { [tokenIds[0] ?? 0]: -100 } };
  const other = await ask(engine, { input: chat('Hello!'), maxTokens: 1, sampling: forbidden });
  t.not(other.tokenIds[0], tokenIds[0]);
});

t.test('an answer follows its grammar', async (t) => {
  const colour = await ask(engine, {
    input: chat('Hello!'),
    grammar: { kind: 'gbnf', text: 'root ::= "red" | "green"' },
  });
  t.match(colour.text, /^(red|green)$/);
  const schema = {
    type: 'object',
    properties: { ok: { type: 'boolean' }, level: { enum: ['low', 'high'] } },
    required: ['ok', 'level'],
    additionalProperties: false,
  };
  const json = await ask(engine, {
    input: chat('Hello!'),
    grammar: { kind: 'json-schema', schema },
  });
  t.match(JSON.parse(json.text), { ok: Boolean, level: /^(low|high)$/ });
});
