// How soon a conversation of a thousand tokens is answered again, against the first time.
// Only what is new is evaluated, so the second turn should cost a fraction of the first.
// Of the 1 GB model alone: the appliance one was trained on half as many tokens.

import { median } from '../../median.js';
import { type Figure, figure } from '../figure.js';
import { type Message, streamChat, user } from './client.js';
import { HearthProcess } from './hearth-process.js';
import { type BenchModel, question, type Setting } from './setting.js';

export async function measureTurns(setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of setting.models.filter(({ name }) => name === 'synthetic'))
    figures.push(await measureModel(model, setting));
  return figures;
}

const CONVERSATION_TOKENS = 1000;
const ANSWER_TOKENS = 16;
const N_CTX = 2048;

async function measureModel(model: BenchModel, setting: Setting): Promise<Figure> {
  const { threads, folder } = setting;
  const load = { modelPath: model.path, threads, nCtx: N_CTX, parallel: 1 };
  await using hearth = await HearthProcess.start({ ...load, log: `${folder}/turns.db` });
  const rounds: { firstMs: number; secondMs: number }[] = [];
  for (let round = 0; round < Math.ceil(model.rounds / 3); round++) {
    setting.signal.throwIfAborted();
    const measured = await measureRound(hearth.url, round);
    setting.note(
      `${model.name} ${round}: ${measured.firstMs.toFixed(1)} ms, then ${measured.secondMs.toFixed(1)} ms`,
    );
    rounds.push(measured);
  }
  await hearth.stop();
  return figure({
    part: 'turns',
    what: `TTFT of the second turn of ${CONVERSATION_TOKENS} tokens against the first`,
    model: model.name,
    value: median(rounds.map(({ firstMs, secondMs }) => secondMs / firstMs)),
    bar: { kind: 'at-most', value: 0.2 },
    details: {
      first_ttft_ms: median(rounds.map(({ firstMs }) => firstMs)),
      second_ttft_ms: median(rounds.map(({ secondMs }) => secondMs)),
      rounds: rounds.length,
    },
  });
}

async function measureRound(url: string, round: number) {
  const messages = user(await longQuestion(url, round));
  const maxTokens = ANSWER_TOKENS;
  const first = await streamChat({ url, messages, maxTokens });
  const answer: Message = { role: 'assistant', content: first.text };
  const then = [...messages, answer, ...user('And how much of that is water?')];
  const second = await streamChat({ url, messages: then, maxTokens });
  const error = first.error ?? second.error;
  if (error !== null) throw new Error(`a turn failed: ${error}`);
  return { firstMs: first.ttftMs, secondMs: second.ttftMs };
}

async function longQuestion(url: string, round: number): Promise<string> {
  const line = ` ${question(round)}`;
  const perLine = await countTokens(url, line);
  return line.repeat(Math.ceil(CONVERSATION_TOKENS / perLine));
}

async function countTokens(url: string, content: string): Promise<number> {
  const response = await fetch(`${url}/tokenize`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ content }),
  });
  const { tokens } = (await response.json()) as { tokens: number[] };
  return tokens.length;
}
