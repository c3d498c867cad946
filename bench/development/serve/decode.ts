// How fast an answer streams over HTTP, against node-llama-cpp in a process that does nothing else.
// Both hold the model at once and answer in turn; a ratio is of two answers next to each other.
// The prompt's time is not in it: from the first token to the last.

import { median } from '../../median.js';
import { alternate } from '../alternate.js';
import { type Figure, figure } from '../figure.js';
import { BareProcess } from './bare-process.js';
import { streamChat, user } from './client.js';
import { HearthProcess } from './hearth-process.js';
import { type BenchModel, bareLoad, question, type Setting } from './setting.js';

export async function measureDecode(setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of setting.models) figures.push(await measureModel(model, setting));
  return figures;
}

const N_CTX = 512;

async function measureModel(model: BenchModel, setting: Setting): Promise<Figure> {
  const load = { modelPath: model.path, threads: setting.threads, nCtx: N_CTX, parallel: 1 };
  await using bare = await BareProcess.start(bareLoad(load, model));
  await using hearth = await HearthProcess.start({ ...load, log: `${setting.folder}/decode.db` });
  const { url } = hearth;
  const rounds: { hearth: number; bare: number }[] = [];
  for (let round = -1; round < model.rounds; round++) {
    setting.signal.throwIfAborted();
    const [served, told] = await alternate(
      round,
      () => hearthRate(url, question(round), model.answerTokens),
      () => bareRate(bare, question(round), model.answerTokens),
    );
    setting.note(`${model.name} ${round}: ${served.toFixed(1)} of ${told.toFixed(1)} tok/s`);
    // The first pair warms both up.
    if (round >= 0) rounds.push({ hearth: served, bare: told });
  }
  await hearth.stop();
  return figure({
    part: 'decode',
    what: 'decode tok/s over HTTP against bare node-llama-cpp',
    model: model.name,
    value: median(rounds.map((round) => round.hearth / round.bare)),
    bar: { kind: 'at-least', value: 0.97 },
    details: {
      hearth_tokens_per_second: median(rounds.map((round) => round.hearth)),
      bare_tokens_per_second: median(rounds.map((round) => round.bare)),
      rounds: rounds.length,
    },
  });
}

async function hearthRate(url: string, text: string, maxTokens: number): Promise<number> {
  const answer = await streamChat({ url, messages: user(text), maxTokens });
  if (answer.tokens !== maxTokens)
    throw new Error(`${answer.tokens} tokens of ${maxTokens}: ${answer.error ?? answer.status}`);
  return (1000 * (maxTokens - 1)) / (answer.lastTextMs - answer.ttftMs);
}

async function bareRate(bare: BareProcess, text: string, maxTokens: number): Promise<number> {
  const { answers } = await bare.answer([text], maxTokens);
  const { firstTokenMs = 0, lastTokenMs = 0 } = answers[0] ?? {};
  return (1000 * (maxTokens - 1)) / (lastTokenMs - firstTokenMs);
}
