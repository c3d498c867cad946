// Four clients at once against node-llama-cpp that batches four sequences in its own process.
// Whole answers are timed, prompts included, from the start of all to the end of the last.
// Says also what four clients gain over one, and whether one of them had to wait for the others.

import { median } from '../../median.js';
import { alternate } from '../alternate.js';
import { type Figure, figure } from '../figure.js';
import { BareProcess } from './bare-process.js';
import { type Answered, streamChat, user } from './client.js';
import { HearthProcess } from './hearth-process.js';
import { type BenchModel, bareLoad, question, type Setting } from './setting.js';

export async function measureConcurrent(setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of setting.models) figures.push(...(await measureModel(model, setting)));
  return figures;
}

const CLIENTS = 4;
const N_CTX = 512;

type Round = { hearth: number; bare: number; alone: number; spread: number };

async function measureModel(model: BenchModel, setting: Setting): Promise<Figure[]> {
  const { threads, folder } = setting;
  const load = { modelPath: model.path, threads, nCtx: N_CTX, parallel: CLIENTS };
  await using bare = await BareProcess.start(bareLoad(load, model));
  await using hearth = await HearthProcess.start({ ...load, log: `${folder}/concurrent.db` });
  const rounds: Round[] = [];
  for (let round = -1; round < model.rounds; round++) {
    setting.signal.throwIfAborted();
    const measured = await measureRound(round, hearth.url, bare, model.answerTokens);
    setting.note(
      `${model.name} ${round}: ${measured.hearth.toFixed(1)} of ${measured.bare.toFixed(1)} tok/s, one client ${measured.alone.toFixed(1)}`,
    );
    if (round >= 0) rounds.push(measured);
  }
  await hearth.stop();
  return describe(model, rounds);
}

async function measureRound(
  round: number,
  url: string,
  bare: BareProcess,
  maxTokens: number,
): Promise<Round> {
  const questions = Array.from({ length: CLIENTS }, (_, client) => question(round, client));
  const [served, bareRate] = await alternate(
    round,
    () => serveAll(url, questions, maxTokens),
    async () => {
      const { durationMs } = await bare.answer(questions, maxTokens);
      return (1000 * CLIENTS * maxTokens) / durationMs;
    },
  );
  const alone = await serveAll(url, [question(round, CLIENTS)], maxTokens);
  const times = served.answers.map(({ totalMs }) => totalMs);
  return {
    hearth: served.rate,
    bare: bareRate,
    alone: alone.rate,
    spread: Math.max(...times) / Math.min(...times),
  };
}

async function serveAll(
  url: string,
  questions: string[],
  maxTokens: number,
): Promise<{ rate: number; answers: Answered[] }> {
  const start = performance.now();
  const answers = await Promise.all(
    questions.map((text) => streamChat({ url, messages: user(text), maxTokens })),
  );
  const failed = answers.find(({ tokens }) => tokens !== maxTokens);
  if (failed) throw new Error(`an answer failed: ${failed.error ?? failed.status}`);
  const rate = (1000 * questions.length * maxTokens) / (performance.now() - start);
  return { rate, answers };
}

function describe(model: BenchModel, rounds: Round[]): Figure[] {
  const middle = (key: keyof Round) => median(rounds.map((round) => round[key]));
  const common = { part: 'concurrent', model: model.name };
  return [
    figure({
      ...common,
      what: `total tok/s of ${CLIENTS} clients against bare batching`,
      value: median(rounds.map(({ hearth, bare }) => hearth / bare)),
      bar: { kind: 'at-least', value: 0.95 },
      details: {
        hearth_tokens_per_second: middle('hearth'),
        bare_tokens_per_second: middle('bare'),
        gain_over_one_client: median(rounds.map(({ hearth, alone }) => hearth / alone)),
        rounds: rounds.length,
      },
    }),
    figure({
      ...common,
      what: `the slowest of ${CLIENTS} clients against the fastest, worst round`,
      // Each gets as many tokens, so tokens in the same time are as the inverse of times.
      value: Math.max(...rounds.map(({ spread }) => spread)),
      bar: { kind: 'at-most', value: 1.5 },
      details: { median: middle('spread') },
    }),
  ];
}
