// A comparison as JSON: every figure of the tables and of the report, and each answer whole.
import path from 'node:path';
import { fitJson } from '../../devices/fit/fit-json.js';
import type { Quality } from '../../llama/quality/quality-protocol.js';
import type { Standing } from '../../model/frontier.js';
import { snakeCase } from '../../terminal/print.js';
import { hearthVersion } from '../../terminal/version.js';
import { NGRAM } from './answers/words.js';
import { comparedStandings } from './compared-frontier.js';
import type { Compared, ComparedAnswer, Comparison, EqualMemory } from './comparison.js';
import { totalBytes } from './equal-memory.js';
import { averageOf, rightAnswers, shareKept } from './figure-text.js';

export function comparisonJson(whole: Comparison) {
  const { models, made, equalMemory, setting, ...comparison } = whole;
  const { nCtx, maxTokens, repeats, questions, text } = setting;
  const { cpu, cpuCores, memoryBytes, gpus, os } = comparison.machine;
  return snakeCase({
    hearthVersion: hearthVersion(),
    startedAt: new Date(comparison.startedAtMs).toISOString(),
    isWhole: comparison.isWhole,
    machine: { cpu, cpuCores, memoryBytes, gpus: gpus.map(({ name }) => name), os },
    setting: {
      ...{ nCtx, maxTokens, repeats, questions, repetitionNgram: NGRAM },
      text: text && { name: text.name, nCtx: text.nCtx, maxChunks: text.maxChunks },
    },
    models: models.map((model) => modelJson(model, models[0])),
    made: made.map((model) => modelJson(model, models[0])),
    equalMemory: equalMemory.map(equalJson),
    frontier: comparedStandings(whole).map(standingJson),
  });
}

function modelJson(model: Compared, first: Compared | undefined) {
  const { file, info, speed, memory, quality, predicted, answers } = model;
  return {
    label: model.label,
    filename: path.basename(model.path),
    error: model.failure,
    fileType: file?.fileType ?? null,
    sizeBytes: file?.sizeBytes ?? null,
    parameters: file?.sized.shape.nParams ?? null,
    shareKept: shareKept(model, first),
    isUnpruned: file?.isUnpruned ?? null,
    tokenizerSha256: file?.tokenizerSha256 ?? null,
    backend: info?.backend ?? null,
    llamaCpp: info?.llamaCppRelease ?? null,
    speed,
    memory,
    predictedBytes: predicted && totalBytes(predicted),
    quality: quality && qualityJson(quality),
    noDivergence: model.noDivergence,
    answersMean: {
      repetition: averageOf(answers, 'repetition'),
      words: averageOf(answers, 'nWords'),
      tokens: averageOf(answers, 'nTokens'),
      difference: averageOf(answers, 'difference'),
      right: rightAnswers(answers)?.right ?? null,
    },
    answers: answers.map(answerJson),
    fits: model.fits.map(fitJson),
  };
}

function qualityJson({ perplexity, nChunks, nTokens, divergence }: Quality) {
  return { perplexity, nChunks, nTokens, divergence };
}

function answerJson({ text, nTokens: tokens, nWords: words, ...counted }: ComparedAnswer) {
  return { text, tokens, words, ...counted };
}

/** Models by their labels, from the smallest; not beaten is what is worth choosing from. */
function standingJson({ model, beatenBy }: Standing<Compared>) {
  return { model: model.label, beatenBy: beatenBy?.label ?? null };
}

/** Models by their labels. */
function equalJson({ pruned, prunedBytes, type, denseBytes, dense }: EqualMemory) {
  return {
    pruned: pruned.label,
    prunedPredictedBytes: prunedBytes,
    unprunedType: type,
    unprunedPredictedBytes: denseBytes,
    unpruned: dense?.label ?? null,
  };
}
