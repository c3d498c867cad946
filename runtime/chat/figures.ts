// What chat says of an answer besides its text: what it cost, and what the reader must know.
// One line of figures, so that it does not push the answer away; /stats has the rest.
import { formatDuration, formatMemory, plural } from '../../terminal/units.js';
import type { Engine, EngineInfo, Memory, Timings } from '../engine/engine.js';
import type { FinishedAnswer, StartedAnswer } from './dialogue.js';

/** `TTFT 85 ms · 41.2 tok/s · 57 tokens · ...` */
export function figuresLine({
  timings,
  memory,
  cachedTokens,
  promptTokens,
}: FinishedAnswer): string {
  const parts = [
    `TTFT ${formatDuration(timings.ttftMs)}`,
    formatSpeed(timings),
    plural(timings.generatedTokens, 'token'),
    draftPart(timings),
    `prompt ${promptTokens}${cachedTokens > 0 ? ` (${cachedTokens} cached)` : ''}`,
    `context ${memory.contextUsed}/${memory.nCtx}`,
    ...memoryParts(memory),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function draftPart({ draft }: Timings): string {
  return draft && draft.tokens > 0 ? `drafted ${draft.acceptedTokens}/${draft.tokens}` : '';
}

/** Told before the answer: what the model does not see. */
export function droppedNotice({ droppedTurns, droppedTokens }: StartedAnswer): string | null {
  if (droppedTurns === 0) return null;
  return `${plural(droppedTurns, 'turn')} (${plural(droppedTokens, 'token')}) dropped to make room`;
}

/** Told after the answer where the model did not end it itself. */
export function endNotice({ stopReason, memory }: FinishedAnswer): string | null {
  switch (stopReason) {
    case 'abort':
      return 'stopped';
    case 'context':
      return `cut off: the context of ${memory.nCtx} tokens is full; start with a larger --ctx`;
    case 'length':
      return 'cut off at --max-tokens';
    case 'deadline':
      return 'cut off: it took too long';
    case 'eos':
    case 'stop':
      return null;
    default:
      throw new Error(`unknown reason ${JSON.stringify(stopReason satisfies never)}`);
  }
}

/** `appliance · cpu · context 512 tokens`, and which model drafts for it */
export function modelLine(info: EngineInfo): string {
  const device = info.deviceNames.length > 0 ? ` (${info.deviceNames.join(' + ')})` : '';
  const draft = info.draft ? ` · drafts of ${info.draft.modelName}` : '';
  return `${info.modelName} · ${info.backend}${device} · context ${info.nCtx} tokens${draft}`;
}

export function statsText(
  engine: Engine,
  answers: readonly FinishedAnswer[],
  logPath: string | null,
) {
  const { info } = engine;
  return [
    ...(info ? engineFacts(info, engine.restarts) : []),
    ...answerFacts(answers),
    `log      ${logPath ?? 'none'}`,
  ].join('\n');
}

function engineFacts(info: EngineInfo, restarts: number): string[] {
  const { weightsBytes, kvBytes, computeBytes } = info;
  return [
    `model    ${info.modelName}, ${info.modelPath}`,
    `engine   ${info.backend}, ${plural(info.gpuLayers, 'layer')} on the GPU, ${threadsText(info)}, llama.cpp ${info.llamaCppRelease}, loaded in ${formatDuration(info.loadMs)}, ${plural(restarts, 'restart')}`,
    `memory   weights ${formatMemory(weightsBytes)}, KV ${formatMemory(kvBytes)} (${info.kvType}), compute ${formatMemory(computeBytes)}`,
    `context  ${info.nCtx} tokens; the model was trained on ${info.nCtxTrain}`,
  ];
}

function answerFacts(answers: readonly FinishedAnswer[]): string[] {
  const last = answers.at(-1);
  if (!last) return ['answers  none yet'];
  const sum = (of: (answer: FinishedAnswer) => number) =>
    answers.reduce((total, answer) => total + of(answer), 0);
  const tokens = sum(({ timings }) => timings.generatedTokens);
  const ttftMs = answers.map(({ timings }) => timings.ttftMs).sort((a, b) => a - b);
  const median = ttftMs[Math.floor((ttftMs.length - 1) / 2)] ?? 0;
  const peakRssBytes = Math.max(...answers.map(({ memory }) => memory.peakRssBytes));
  return [
    `answers  ${answers.length}, ${plural(tokens, 'token')}, of ${plural(
      sum(({ promptTokens }) => promptTokens),
      'prompt token',
    )} ${sum(({ cachedTokens }) => cachedTokens)} cached`,
    `TTFT     median ${formatDuration(median)}, last ${formatDuration(last.timings.ttftMs)}`,
    `speed    last ${formatSpeed(last.timings) || 'unknown'}`,
    `used     context ${last.memory.contextUsed}/${last.memory.nCtx}, ${memoryParts(last.memory).join(', ')}, peak RSS ${formatMemory(peakRssBytes)}`,
  ];
}

function threadsText({ threads, hasFixedThreads }: EngineInfo): string {
  return `${hasFixedThreads || threads === 1 ? '' : 'at most '}${plural(threads, 'thread')}`;
}

/** As the log computes it. */
function formatSpeed({ generatedTokens, generationMs }: Timings): string {
  return generationMs > 0 ? `${((generatedTokens * 1000) / generationMs).toFixed(1)} tok/s` : '';
}

function memoryParts({ rssBytes, deviceAfterBytes }: Memory): string[] {
  const rss = rssBytes > 0 ? [`RSS ${formatMemory(rssBytes)}`] : [];
  return deviceAfterBytes === null ? rss : [...rss, `GPU ${formatMemory(deviceAfterBytes)}`];
}
