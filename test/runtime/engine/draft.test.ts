// A model that drafts for another changes no answer: held-out questions and ways of choosing, with drafts
// that are forced, against the same model alone. What cannot draft is refused before weights are loaded.
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { convertedSample } from '../../../bench/development/sample-models.js';
import type { GenerateRequest } from '../../../runtime/engine/engine.js';
import type { EngineError } from '../../../runtime/engine/engine-error.js';
import { withinMemory } from '../../../runtime/engine/memory-budget.js';
import { startEngine } from '../../../runtime/engine/restarting-engine.js';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { hearth } from '../../support/hearth.js';
import { metric, post, runServer } from '../server/running-server.js';
import { ask, chat, prompts, readyEngine } from './ask.js';

const folder = t.testdir();
const modelPath = await applianceGguf(folder);
const draftPath = await applianceGguf(folder, 'appliance/pruned-20');
const plain = await readyEngine(modelPath, { nCtx: 512 });
const drafting = await readyEngine(modelPath, { nCtx: 512, draftPath, alwaysDraft: true });
t.teardown(() => Promise.all([plain.close(), drafting.close()]));

t.test('answers are the same, token for token, however they are chosen', async (t) => {
  const ways: Omit<GenerateRequest, 'input'>[] = [
    {},
    { sampling: { temperature: 1.2, seed: 11 } },
    { sampling: { temperature: 0.8, seed: 5, repeatPenalty: 1.3, presencePenalty: 0.5 } },
    { maxTokens: 7 },
    { stop: ['.'] },
    { topLogprobs: 2, maxTokens: 20 },
    { grammar: { kind: 'gbnf', text: 'root ::= [a-z ]{5,40} "!"' }, maxTokens: 60 },
  ];
  let [drafted, accepted] = [0, 0];
  for (const [i, way] of ways.entries()) {
    const question = prompts[i % prompts.length]?.question ?? '';
    const request = { input: chat(question), maxTokens: 80, ...way };
    const [alone, helped] = [await ask(plain, request), await ask(drafting, request)];
    t.equal(helped.text, alone.text, question);
    t.same(helped.tokenIds, alone.tokenIds);
    t.equal(helped.end.stopReason, alone.end.stopReason);
    t.equal(helped.end.memory.contextUsed, alone.end.memory.contextUsed);
    t.equal(alone.end.timings.draft, undefined);
    drafted += helped.end.timings.draft?.tokens ?? 0;
    accepted += helped.end.timings.draft?.acceptedTokens ?? 0;
  }
  t.ok(accepted > drafted / 4, `${accepted} of ${drafted} drafted tokens were right`);
});

t.test(
  'a conversation goes on, a full context ends it, and two answers share a batch',
  async (t) => {
    const [first, second] = prompts.map(({ question }) => question);
    for (const request of [
      { input: chat(first ?? '', 'It is.', second ?? ''), maxTokens: 40 },
      { input: chat(first ?? '', 'It is.', second ?? '', 'No.', first ?? ''), maxTokens: 40 },
      {
        input: { kind: 'text', text: 'one two '.repeat(160) } as const,
        sampling: { temperature: 0, logitBias: { 2: -100 } },
      },
    ]) {
      const [alone, helped] = [await ask(plain, request), await ask(drafting, request)];
      t.same(helped.tokenIds, alone.tokenIds);
      t.equal(helped.end.stopReason, alone.end.stopReason);
    }
    const parallel = await readyEngine(modelPath, {
      nCtx: 512,
      parallel: 2,
      draftPath,
      alwaysDraft: true,
    });
    t.teardown(() => parallel.close());
    const asked = [first, second].map((question) => ({
      input: chat(question ?? ''),
      maxTokens: 60,
    }));
    const together = await Promise.all(asked.map((request) => ask(parallel, request)));
    for (const [i, request] of asked.entries())
      t.equal(together[i]?.text, (await ask(plain, request)).text);
  },
);

t.test('an answer, the metrics and the log say what was drafted', async (t) => {
  const settings = { modelPath, draftPath };
  const { url, log, logPath } = await runServer(t, { engine: drafting, settings, folder });
  const messages = [{ role: 'user', content: prompts[0]?.question }];
  const response = await post(`${url}/v1/chat/completions`, { messages, max_tokens: 40, seed: 1 });
  const { timings } = (await response.json()) as { timings: Record<string, number | null> };
  const { draft_n: drafted, draft_n_accepted: accepted } = timings;
  t.match(timings, { draft_n: Number, draft_n_accepted: Number, draft_gain: null });
  t.ok(Number(drafted) >= 8 && Number(accepted) > 0, `${accepted} of ${drafted}`);
  t.equal(await metric(url, 'hearth_draft_tokens_total'), drafted);
  t.equal(await metric(url, 'hearth_draft_accepted_tokens_total'), accepted);
  await log.close();
  const row = new Database(logPath, { readonly: true })
    .prepare('SELECT draft_tokens, draft_accepted_tokens, draft_gain FROM answers')
    .get();
  t.same(row, { draft_tokens: drafted, draft_accepted_tokens: accepted, draft_gain: null });
});

t.test('a server says which model drafts for which', async (t) => {
  const onStart = (child: ChildProcess): void => {
    child.stderr?.on('data', (said) => {
      if (`${said}`.includes('ready on')) child.kill('SIGTERM');
    });
  };
  const words = ['--draft', draftPath, '--port', '0', '--ctx', '512', '--gpu', 'off', '--no-log'];
  const { status, stderr } = await hearth(['serve', modelPath, ...words], { onStart });
  t.match(stderr, /serve: ".+, 19 % pruned" drafts for ".+"\n/);
  t.equal(status, 0);
});

t.test('memory of both is predicted, and a budget is kept by both', async (t) => {
  const { info } = drafting;
  t.match(info?.draft, { path: draftPath, nCtx: 512 });
  t.equal(info?.predicted?.weightsBytes, info?.weightsBytes);
  t.equal(info?.predicted?.kvBytes, info?.kvBytes);
  const options = { modelPath, gpu: 'off' as const, threads: 1, nCtx: 512 };
  const budgetBytes = 1 << 30;
  const alone = await withinMemory(options, budgetBytes);
  const both = await withinMemory({ ...options, draftPath }, budgetBytes);
  t.equal(both.fit.memory.host.weightsBytes, info?.weightsBytes);
  t.ok(both.fit.neededBytes > alone.fit.neededBytes);
  const between = (alone.fit.neededBytes + both.fit.neededBytes) / 2;
  const spareBytes = budgetBytes - alone.fit.budgetBytes;
  await t.rejects(
    withinMemory({ ...options, draftPath }, Math.round(between + spareBytes)),
    /needs with its draft/,
  );
});

t.test('what cannot draft is refused with the reason', async (t) => {
  const otherVocabulary = await convertedSample(folder, 'formats/f_fast', 'F16');
  for (const [options, says] of [
    [{ draftPath: otherVocabulary }, /has another vocabulary than .*dense\.gguf/],
    [{ modelPath: draftPath, draftPath: modelPath }, /is not smaller than .*pruned-20\.gguf/],
    [{ draftPath: modelPath }, /is not smaller than/],
    [{ draftPath: path.join(folder, 'none.gguf') }, /none\.gguf/],
  ] as const) {
    const engine = startEngine({ modelPath, gpu: 'off', threads: 1, ...options });
    const error = (await engine.ready().catch((thrown) => thrown)) as EngineError;
    t.match(error.failure, { code: 'load-failed', message: says });
    await engine.close();
  }
  const command = ['chat', modelPath, '--draft', modelPath, '--once', 'Hi', '--no-log'];
  const { status, stderr } = await hearth([...command, '--gpu', 'off']);
  t.equal(status, 1);
  t.match(stderr, 'is not smaller than');
});
