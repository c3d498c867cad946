// What the page's charts are drawn from: a few numbers a model. The page's script has the same types.
// null where nothing was measured.
import { comparedStandings } from '../compared-frontier.js';
import type { Compared, Comparison } from '../comparison.js';
import { totalBytes } from '../equal-memory.js';
import { averageOf } from '../figure-text.js';

export type ChartModel = {
  label: string;
  isUnpruned: boolean;
  tokensPerSecond: number | null;
  ttftMs: number | null;
  /** Of the timed answer, what comes after the first token. */
  generationMs: number | null;
  /** In MiB: weights, KV cache, buffers, and on the CPU the rest of the process. */
  memory: { weights: number; kv: number; compute: number; process: number } | null;
  /** In MiB, as equal memory is judged. */
  predicted: number | null;
  /** Of models that split a text as the first does. */
  perplexity: number | null;
  /** 0 to 1. */
  sameTop: number | null;
  /** Whether another takes no more memory and predicts the text better; null where that is not known. */
  isBeaten: boolean | null;
  repetition: number | null;
};

export type ChartData = { models: ChartModel[]; answerTokens: number };

const MIB = 2 ** 20;

export function chartData(comparison: Comparison): ChartData {
  const { models, made } = comparison;
  const all = [...models, ...made];
  const answerTokens = all.find(({ speed }) => speed)?.speed?.answerTokens ?? 0;
  const beaten = new Map(
    comparedStandings(comparison).map(({ model, beatenBy }) => [model, beatenBy !== null]),
  );
  return {
    models: all.map((model) => ({
      ...chartModel(model, models[0]),
      isBeaten: beaten.get(model) ?? null,
    })),
    answerTokens,
  };
}

function chartModel(model: Compared, first: Compared | undefined): Omit<ChartModel, 'isBeaten'> {
  const { label, file, speed, quality, predicted, answers } = model;
  // Of other tokens, a perplexity says nothing beside the others'.
  const isComparable = file?.tokenizerSha256 === first?.file?.tokenizerSha256;
  const perplexity = isComparable ? quality?.perplexity : undefined;
  return {
    label,
    isUnpruned: file?.isUnpruned ?? false,
    tokensPerSecond: speed?.tokensPerSecond ?? null,
    ttftMs: speed?.ttftMs ?? null,
    generationMs: speed ? Math.max(0, speed.answerMs - speed.ttftMs) : null,
    memory: memoryParts(model),
    predicted: predicted ? totalBytes(predicted) / MIB : null,
    perplexity: perplexity?.value ?? null,
    sameTop: quality?.divergence?.sameTop.value ?? null,
    repetition: averageOf(answers, 'repetition'),
  };
}

function memoryParts({ memory }: Compared): ChartModel['memory'] {
  if (!memory) return null;
  const { weightsBytes, kvBytes, computeBytes, peakRssBytes, devicePeakBytes } = memory;
  const rest = devicePeakBytes === null ? peakRssBytes - weightsBytes - kvBytes - computeBytes : 0;
  return {
    weights: weightsBytes / MIB,
    kv: kvBytes / MIB,
    compute: computeBytes / MIB,
    process: Math.max(0, rest) / MIB,
  };
}
