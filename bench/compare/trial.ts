// One model put to the test: loaded once for its answers, speed and memory, and in a process of its own
// for what it makes of a text. Whatever fails is noted in the model's column, and what was measured
// before stays. Compares nothing.

import { scoreQuality } from '../../llama/quality/quality-process.js';
import type { Quality, QualityTask } from '../../llama/quality/quality-protocol.js';
import type { Engine, EngineInfo, EngineOptions } from '../../runtime/engine/engine.js';
import { startEngine } from '../../runtime/engine/restarting-engine.js';
import { untilEngineEnds } from '../measure/engine-end.js';
import { llamaSettings } from '../measure/llama-settings.js';
import {
  ANSWER_TOKENS,
  type Answer,
  answerRepeatedly,
  inputOf,
} from '../measure/repeated-answers.js';
import { median } from '../median.js';
import type { Question } from './answers/questions.js';
import { repetitionRate, wordDifference, words } from './answers/words.js';
import type { Answered, Compared, MeasuredMemory, Setting, Speed } from './comparison.js';

export type TrialOptions = {
  engine: Omit<EngineOptions, 'modelPath'>;
  setting: Setting;
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

async function runEngine(
  model: Compared,
  { engine: settings, setting, first, signal, onProgress }: TrialOptions,
): Promise<void> {
  const engine = startEngine({
    ...settings,
    modelPath: model.path,
    nCtx: setting.nCtx,
    parallel: 1,
  });
  try {
    onProgress('loading');
    const stop = untilEngineEnds(engine, signal);
    model.info = await engine.ready({ signal: stop });
    await measureSpeed(model, { engine, info: model.info, setting, signal: stop, onProgress });
    for (const [index, question] of setting.questions.entries()) {
      onProgress(`question ${index + 1} of ${setting.questions.length}`);
      const asked = { engine, info: model.info, maxTokens: setting.maxTokens, signal: stop };
      const reference = first ? first.answers[index]?.text : undefined;
      model.answers.push(await ask(question, reference, asked));
    }
  } finally {
    await engine.close();
  }
}

type Running = { engine: Engine; info: EngineInfo; signal: AbortSignal };

async function measureSpeed(
  model: Compared,
  { setting, onProgress, ...running }: Running & Pick<TrialOptions, 'setting' | 'onProgress'>,
): Promise<void> {
  const { engine, info, signal } = running;
  const { repeats } = setting;
  const maxTokens = ANSWER_TOKENS;
  const answers: Answer[] = [];
  for await (const step of answerRepeatedly(engine, info, { repeats, maxTokens, signal })) {
    if (step.answer === null) onProgress(`speed: ${step.repeat} of ${repeats}`);
    else answers.push(step.answer);
    if (answers.length === 0) continue;
    model.speed = speedOf(answers);
    model.memory = memoryOf(info, answers);
  }
}

function speedOf(answers: readonly Answer[]): Speed {
  const of = (read: (answer: Answer) => number) => median(answers.map(read));
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

function memoryOf(info: EngineInfo, answers: readonly Answer[]): MeasuredMemory {
  const { weightsBytes, kvBytes, computeBytes, backend } = info;
  const most = (read: (answer: Answer) => number | null) =>
    Math.max(...answers.map((answer) => read(answer) ?? 0));
  return {
    ...{ weightsBytes, kvBytes, computeBytes },
    peakRssBytes: most(({ memory }) => memory.peakRssBytes),
    devicePeakBytes: backend === 'cpu' ? null : most(({ memory }) => memory.devicePeakBytes),
  };
}

async function ask(
  { text: question, expected }: Question,
  reference: string | undefined,
  { engine, info, signal, maxTokens }: Running & { maxTokens: number },
): Promise<Answered> {
  const request = { input: inputOf(question, info), sampling: { temperature: 0 }, maxTokens };
  let text = '';
  for await (const event of engine.generate(request, { signal })) {
    if (event.kind === 'token') text += event.text;
    if (event.kind !== 'end') continue;
    signal.throwIfAborted();
    const own = words(text);
    return {
      text: text.trim(),
      nTokens: event.timings.generatedTokens,
      nWords: own.length,
      repetition: repetitionRate(own),
      difference: reference === undefined ? null : wordDifference(own, words(reference)),
      stopReason: event.stopReason,
      isRight: expected === null ? null : text.trim() === expected.trim(),
    };
  }
  throw new Error('the engine ended an answer without saying so');
}

async function scoreModel(model: Compared, options: TrialOptions): Promise<void> {
  const { setting, first, rowsPath, signal, onProgress } = options;
  const { info } = model;
  if (!setting.text || !info) return;
  const { text, nCtx, maxChunks } = setting.text;
  model.noDivergence = first && whyNoDivergence(model, first);
  const kind = first ? ('read' as const) : ('write' as const);
  const task: QualityTask = {
    settings: llamaSettings(info),
    ...{ text, nCtx, maxChunks },
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
