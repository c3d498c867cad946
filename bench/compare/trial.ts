// One model put to the test: loaded for its answers, in a process of its own for what it makes of a text,
// and again for each round of speed, so that the rounds of all models lie side by side in time.
// Whatever fails is noted in the model's column, and what was measured before stays.

import { scoreQuality } from '../../llama/quality/quality-process.js';
import type { Quality, QualityTask } from '../../llama/quality/quality-protocol.js';
import type { Engine, EngineInfo, EngineOptions } from '../../runtime/engine/engine.js';
import { startEngine } from '../../runtime/engine/restarting-engine.js';
import { llamaSettings, untilEngineEnds } from '../measure/measured-engine.js';
import { watchOthers } from '../measure/others-cpu.js';
import {
  ANSWER_TOKENS,
  answerRepeatedly,
  ask,
  inputOf,
  type TimedAnswer,
} from '../measure/repeated-answers.js';
import { median } from '../median.js';
import type { ComparedQuestion } from './answers/questions.js';
import { repetitionRate, wordDifference, words } from './answers/words.js';
import type {
  Compared,
  ComparedAnswer,
  ComparisonSetting,
  MeasuredMemory,
  Speed,
  TimedRound,
} from './comparison.js';

export type TrialOptions = {
  engine: Omit<EngineOptions, 'modelPath'>;
  setting: ComparisonSetting;
  /** The model that answers are compared with; null for that model itself. */
  first: Compared | null;
  /** Where the first model's log-probabilities are kept. */
  rowsPath: string;
  signal: AbortSignal;
  onProgress: (text: string) => void;
};

/** Fills in what can be measured of `model`, and what went wrong. Never throws. */
export async function tryModel(model: Compared, options: TrialOptions): Promise<void> {
  const { setting, signal } = options;
  await noteFailure(model, signal, async () => {
    await askQuestions(model, options);
    if (setting.text) await scoreModel(model, options);
  });
}

/** Adds one answer to the model's speed and memory. Never throws. */
export async function timeModel(model: Compared, options: TrialOptions): Promise<void> {
  await noteFailure(model, options.signal, () => timeRound(model, options));
}

async function noteFailure(
  model: Compared,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    model.failure = signal.aborted ? 'interrupted' : (error as Error).message;
  }
}

type Running = { engine: Engine; info: EngineInfo; signal: AbortSignal };

async function withEngine(
  model: Compared,
  { engine: chosen, setting: { nCtx }, signal, onProgress }: TrialOptions,
  work: (running: Running) => Promise<void>,
): Promise<void> {
  const engine = startEngine({ ...chosen, modelPath: model.path, nCtx, parallel: 1 });
  try {
    onProgress('loading');
    const ended = untilEngineEnds(engine, signal);
    const info = await engine.ready({ signal: ended });
    model.info = info;
    await work({ engine, info, signal: ended });
  } finally {
    await engine.close();
  }
}

async function askQuestions(model: Compared, options: TrialOptions): Promise<void> {
  const { questions, maxTokens } = options.setting;
  await withEngine(model, options, async (running) => {
    for (const [index, question] of questions.entries()) {
      options.onProgress(`question ${index + 1} of ${questions.length}`);
      const reference = options.first?.answers[index]?.text;
      model.answers.push(await answer(question, reference, { ...running, maxTokens }));
    }
  });
}

async function timeRound(model: Compared, options: TrialOptions): Promise<void> {
  await withEngine(model, options, async ({ engine, info, signal }) => {
    const asked = { repeats: 1, maxTokens: ANSWER_TOKENS, signal };
    let othersSince = watchOthers(engine.pid);
    for await (const { answer } of answerRepeatedly(engine, info, asked)) {
      options.onProgress(`speed: ${model.timed.length + 1} of ${options.setting.repeats}`);
      if (answer) model.timed.push({ ...answer, othersShare: othersSince() });
      else othersSince = watchOthers(engine.pid);
    }
    model.speed = speedOf(model.timed);
    model.memory = memoryOf(info, model.timed);
  });
}

function speedOf(answers: readonly TimedRound[]): Speed {
  const of = (read: (answer: TimedAnswer) => number) => median(answers.map(read));
  const shares = answers.map(({ othersShare }) => othersShare).filter((share) => share !== null);
  return {
    answerTokens: of(({ timings }) => timings.generatedTokens),
    answerMs: of(({ timings }) => timings.totalMs),
    ttftMs: of(({ timings }) => timings.ttftMs),
    tokensPerSecond: of(rateOf),
    promptTokens: of(({ timings }) => timings.promptTokens),
    rates: answers.map(rateOf),
    othersShare: shares.length > 0 ? Math.max(...shares) : null,
  };
}

function rateOf({ timings }: TimedAnswer): number {
  return ((timings.generatedTokens - 1) * 1000) / timings.generationMs;
}

function memoryOf(info: EngineInfo, answers: readonly TimedAnswer[]): MeasuredMemory {
  const { weightsBytes, kvBytes, computeBytes, backend } = info;
  const most = (read: (answer: TimedAnswer) => number | null) =>
    Math.max(...answers.map((answer) => read(answer) ?? 0));
  return {
    weightsBytes,
    kvBytes,
    computeBytes,
    peakRssBytes: most(({ memory }) => memory.peakRssBytes),
    devicePeakBytes: backend === 'cpu' ? null : most(({ memory }) => memory.devicePeakBytes),
  };
}

async function answer(
  { text: question, expected }: ComparedQuestion,
  reference: string | undefined,
  { engine, info, signal, maxTokens }: Running & { maxTokens: number },
): Promise<ComparedAnswer> {
  const request = { input: inputOf(question, info), sampling: { temperature: 0 }, maxTokens };
  const { text, timings, stopReason } = await ask(engine, request, signal);
  const own = words(text);
  return {
    text: text.trim(),
    nTokens: timings.generatedTokens,
    nWords: own.length,
    repetition: repetitionRate(own),
    difference: reference === undefined ? null : wordDifference(own, words(reference)),
    stopReason,
    isRight: expected === null ? null : text.trim() === expected.trim(),
  };
}

async function scoreModel(model: Compared, options: TrialOptions): Promise<void> {
  const { setting, first, rowsPath, signal, onProgress } = options;
  const { info } = model;
  if (!setting.text || !info) return;
  const { name: _, ...scored } = setting.text;
  model.noDivergence = first && whyNoDivergence(model, first);
  const kind = first ? ('read' as const) : ('write' as const);
  const task: QualityTask = {
    settings: llamaSettings(info),
    ...scored,
    first: model.noDivergence === null ? { kind, path: rowsPath } : null,
    tokensSha256: first?.quality?.tokensSha256 ?? null,
  };
  model.quality = await scoreQuality(task, { signal, onProgress });
  model.noDivergence ??= first && whyOtherTokens(model.quality, first);
}

function whyNoDivergence({ file }: Compared, first: Compared): string | null {
  if (first.quality === null) return `${first.label} was not scored`;
  if (file?.tokenizerSha256 === first.file?.tokenizerSha256) return null;
  return `its tokenizer is not that of ${first.label}: KL divergence compares the same token at the same place, and perplexities of other tokens say nothing beside each other`;
}

function whyOtherTokens({ divergence }: Quality, first: Compared): string | null {
  return divergence ? null : `it splits the text into other tokens than ${first.label}`;
}
