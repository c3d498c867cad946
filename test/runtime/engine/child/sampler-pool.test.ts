import t from 'tap';
import type { Engine, GenerateInput, GenerateRequest } from '../../../../runtime/engine/engine.js';
import { applianceGguf } from '../../../support/appliance-gguf.js';
import { ask, chat, prompts, readyEngine } from '../ask.js';
import { inProcessEngine } from './in-process.js';

const modelPath = await applianceGguf(t.testdir());

const settings: Record<string, Omit<GenerateRequest, 'input'>> = {
  greedy: { sampling: { temperature: 0 } },
  'seed 0': { sampling: { temperature: 2, seed: 0 } },
  'seed 1': { sampling: { temperature: 2, seed: 1 } },
  cut: { sampling: { temperature: 2, seed: 1, topK: 5, topP: 0.9, minP: 0.1 } },
  uncut: { sampling: { temperature: 2, seed: 1, topK: 0, topP: 1, minP: 0 } },
  penalised: { sampling: { temperature: 0, repeatPenalty: 9 } },
  biased: { sampling: { temperature: 0, logitBias: { 2: -100, 300: 50 } } },
  grammar: { sampling: { temperature: 0 }, grammar: { kind: 'gbnf', text: 'root ::= "red"' } },
};
const names = Object.keys(settings);

/** They share no first token: a cached part of a prompt would change logits by their last bits. */
const other: GenerateInput = { kind: 'tokens', tokens: (prompts[0]?.tokens ?? []).slice(1) };

async function answerOf(engine: Engine, name: string, input: GenerateInput = chat('Hello!')) {
  const told = await ask(engine, { input, maxTokens: 16, ...settings[name] });
  return told.tokenIds;
}

t.test('an answer is the same whatever was asked before it', async (t) => {
  const fresh: Record<string, number[]> = {};
  for (const name of names) {
    const engine = await readyEngine(modelPath);
    fresh[name] = await answerOf(engine, name);
    await engine.close();
  }
  t.equal(new Set(Object.values(fresh).map(String)).size, names.length, 'each setting counts');
  const engine = await readyEngine(modelPath);
  for (const previous of names)
    for (const name of names) {
      await answerOf(engine, previous, other);
      t.same(await answerOf(engine, name), fresh[name], `${name} after ${previous}`);
    }
  await engine.close();
});

t.test('no more samplers are made than answers are under way at a time', async (t) => {
  const { requests, samplersMade, close } = await inProcessEngine(modelPath, { parallel: 2 });
  const before = samplersMade();
  const answer = async () => {
    const asked = { input: chat('Hello!'), maxTokens: 4 };
    for await (const _ of requests.add(asked, undefined));
  };
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 8 }, answer));
  t.equal(samplersMade() - before, 2);
  await close();
});
