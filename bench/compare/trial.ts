// One model put to the test: loaded once for its answers, speed and memory, and in a process of its own
// for what it makes of a text. Whatever fails is noted in the model's column, and what was measured
// before stays.

import { scoreQuality } from '../../llama/quality/quality-process.js';
import type { Quality, QualityTask } from '../../llama/quality/quality-protocol.js';
import type { Engine, EngineInfo, EngineOptions } from '../../runtime/engine/engine.js';
import { startEngine } from '../../runtime/engine/restarting-engine.js';
import { llamaSettings, untilEngineEnds } from '../measure/measured-engine.js';
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
  try {
    await runEngine(model, options);
    if (setting.text) await scoreModel(model, options);
  } catch (error) {
    model.failure = signal.aborted ? 'interrupted' : (error as Error).message;
  }
}

async function runEngine(model: Compared, options: TrialOptions): Promise<void> {
  const { setting, first, onProgress } = options;
  const { nCtx, questions, maxTokens } = setting;
  const engine = startEngine({ ...options.engine, modelPath: model.path, nCtx, parallel: 1 });
  try {
    onProgress('loading');
    const signal = untilEngineEnds(engine, options.signal);
    const info = await engine.ready({ signal });
    model.info = info;
    await measureSpeed(model, { engine, info, signal }, options);
    for (const [index, question] of questions.entries()) {
      onProgress(`question ${index + 1} of ${questions.length}`);
      const asked = { engine, info, maxTokens, signal };
      model.answers.push(await answer(question, first?.answers[index]?.text, asked));
    }
  } finally {
    await engine.close();
  }
}

type Running = { engine: Engine; info: EngineInfo; signal: AbortSignal };

async function measureSpeed(
  model: Compared,
  { engine, info, signal }: Running,
  { setting: { repeats }, onProgress }: TrialOptions,
): Promise<void> {
  const answers: TimedAnswer[] = [];
  const asked = { repeats, maxTokens: ANSWER_TOKENS, signal };
  for await (const step of answerRepeatedly(engine, info, asked)) {
    if (step.answer === null) onProgress(`speed: ${step.repeat} of ${repeats}`);
    else answers.push(step.answer);
    if (answers.length === 0) continue;
    model.speed = speedOf(answers);
    model.memory = memoryOf(info, answers);
  }
}

function speedOf(answers: readonly TimedAnswer[]): Speed {
  const of = (read: (answer: TimedAnswer) => number) => median(answers.map(read));
  return {
    answerTokens: of(({ timings }) => timings.generatedTokens),
    answerMs: of(({ timings }) => timings.totalMs),
    ttftMs: of(({ timings }) => timings.ttftMs),
    tokensPerSecond: of(
      ({ timings }) => ((timings.generatedTokens - 1) * 1000) / timings.generationMs,
    ),
    promptTokens: of(({ timings }) => timings.promptTokens),
  };
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
