// With how many threads bare node-llama-cpp decodes a model quickest on this machine: what hearth, which
// finds its own number, is held to. All numbers answer in turn, each in a process of its own.
import { availableParallelism } from 'node:os';
import { threadCounts } from '../../../llama/thread-tuner.js';
import { median } from '../../median.js';
import { BareProcess } from './bare-process.js';
import type { MadeModel } from './served-models.js';
import { type BenchModel, question } from './setting.js';

const ROUNDS = 3;

type Asked = { threads: number | null; note: (text: string) => void };

export async function withBareThreads(
  models: readonly MadeModel[],
  { threads, note }: Asked,
): Promise<BenchModel[]> {
  const found: BenchModel[] = [];
  for (const model of models) {
    const bareThreads = threads ?? (await quickestThreads(model));
    note(`${model.name}: bare node-llama-cpp with ${bareThreads} threads`);
    found.push({ ...model, bareThreads });
  }
  return found;
}

type Trial = { threads: number; bare: BareProcess; rates: number[] };

async function quickestThreads(model: MadeModel): Promise<number> {
  const trials: Trial[] = [];
  try {
    for (const threads of threadCounts(availableParallelism())) {
      const load = { modelPath: model.path, threads, nCtx: 512, parallel: 1 };
      trials.push({ threads, bare: await BareProcess.start(load), rates: [] });
    }
    for (let round = 0; round < ROUNDS; round++)
      for (const trial of trials) trial.rates.push(await rateOf(trial.bare, model, round));
  } finally {
    for (const { bare } of trials) await bare[Symbol.asyncDispose]();
  }
  const better = (a: Trial, b: Trial) => (median(b.rates) > median(a.rates) ? b : a);
  return trials.reduce(better).threads;
}

async function rateOf(bare: BareProcess, model: MadeModel, round: number): Promise<number> {
  const { answers } = await bare.answer([question(round)], model.answerTokens);
  const { firstTokenMs = 0, lastTokenMs = 0 } = answers[0] ?? {};
  return (model.answerTokens - 1) / (lastTokenMs - firstTokenMs);
}
