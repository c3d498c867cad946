// A comparison as JSON: every figure of the tables and of the report, and each answer whole.
// snake_case with units in the names, as everywhere in hearth's JSON. Measures nothing.
import path from 'node:path';
import { fitJson } from '../../devices/fit/fit-json.js';
import type { Estimate } from '../../llama/quality/definitions.js';
import type { Quality } from '../../llama/quality/quality-protocol.js';
import { hearthVersion } from '../../terminal/version.js';
import { NGRAM } from './answers/words.js';
import type { Answered, Compared, Comparison, EqualMemory } from './comparison.js';
import { totalBytes } from './equal-memory.js';
import { averageOf, rightAnswers, shareKept } from './figure-text.js';

export function comparisonJson({ models, made, equalMemory, setting, ...comparison }: Comparison) {
  const { text } = setting;
  return {
    hearth_version: hearthVersion(),
    started_at: new Date(comparison.startedAtMs).toISOString(),
    is_whole: comparison.isWhole,
    machine: {
      cpu: comparison.machine.cpu,
      cpu_cores: comparison.machine.cpuCores,
      memory_bytes: comparison.machine.memoryBytes,
      gpus: comparison.machine.gpus.map(({ name }) => name),
      os: comparison.machine.os,
    },
    setting: {
      n_ctx: setting.nCtx,
      max_tokens: setting.maxTokens,
      repeats: setting.repeats,
      questions: setting.questions,
      repetition_ngram: NGRAM,
      text: text && { name: text.name, n_ctx: text.nCtx, max_chunks: text.maxChunks },
    },
    models: models.map((model) => modelJson(model, models[0])),
    made: made.map((model) => modelJson(model, models[0])),
    equal_memory: equalMemory.map(equalJson),
  };
}

function modelJson(model: Compared, first: Compared | undefined) {
  const { file, info, speed, memory, quality, predicted, answers } = model;
  return {
    label: model.label,
    filename: path.basename(model.path),
    error: model.failure,
    file_type: file?.fileType ?? null,
    size_bytes: file?.sizeBytes ?? null,
    parameters: file?.sized.shape.nParams ?? null,
    share_kept: shareKept(model, first),
    is_unpruned: file?.isUnpruned ?? null,
    tokenizer_sha256: file?.tokenizerSha256 ?? null,
    backend: info?.backend ?? null,
    llama_cpp: info?.llamaCppRelease ?? null,
    speed: speed && {
      answer_tokens: speed.answerTokens,
      answer_ms: speed.answerMs,
      ttft_ms: speed.ttftMs,
      tokens_per_second: speed.tokensPerSecond,
      prompt_tokens: speed.promptTokens,
    },
    memory: memory && {
      weights_bytes: memory.weightsBytes,
      kv_bytes: memory.kvBytes,
      compute_bytes: memory.computeBytes,
      peak_rss_bytes: memory.peakRssBytes,
      device_peak_bytes: memory.devicePeakBytes,
    },
    predicted_bytes: predicted && totalBytes(predicted),
    quality: quality && qualityJson(quality),
    no_divergence: model.noDivergence,
    answers_mean: {
      repetition: averageOf(answers, (answer) => answer.repetition),
      words: averageOf(answers, (answer) => answer.nWords),
      tokens: averageOf(answers, (answer) => answer.nTokens),
      difference: averageOf(answers, (answer) => answer.difference),
      right: rightAnswers(answers)?.right ?? null,
    },
    answers: answers.map(answerJson),
    fits: model.fits.map(fitJson),
  };
}

function qualityJson({ perplexity, divergence, nChunks, nTokens }: Quality) {
  return {
    perplexity: estimateJson(perplexity),
    n_chunks: nChunks,
    n_tokens: nTokens,
    divergence: divergence && {
      mean_kl: estimateJson(divergence.meanKl),
      median_kl: divergence.medianKl,
      p99_kl: divergence.p99Kl,
      same_top: estimateJson(divergence.sameTop),
    },
  };
}

function estimateJson({ value, error }: Estimate) {
  return { value, error };
}

function answerJson(answer: Answered) {
  return {
    text: answer.text,
    tokens: answer.nTokens,
    words: answer.nWords,
    repetition: answer.repetition,
    difference: answer.difference,
    stop_reason: answer.stopReason,
    is_right: answer.isRight,
  };
}

/** Models by their labels. */
function equalJson({ pruned, prunedBytes, type, denseBytes, dense }: EqualMemory) {
  return {
    pruned: pruned.label,
    pruned_predicted_bytes: prunedBytes,
    unpruned_type: type,
    unpruned_predicted_bytes: denseBytes,
    unpruned: dense?.label ?? null,
  };
}
