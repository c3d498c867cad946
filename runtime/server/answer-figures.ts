// What an answer tells of itself beside its text: why it ended, how long it took, what it held.
// Timings and progress are named as llama-server names them.
import type {
  DraftTimings,
  EndEvent,
  ProgressEvent,
  StartEvent,
  StopReason,
  Timings,
} from '../engine/engine.js';

/** OpenAI knows fewer reasons; `hearth.stop_reason` has the exact one. */
export function finishReason(stopReason: StopReason): 'stop' | 'length' {
  return stopReason === 'eos' || stopReason === 'stop' ? 'stop' : 'length';
}

/** `prompt_n` are the tokens evaluated, those in the cache not included. */
export function timingFields(t: Timings): Record<string, number | null> {
  const promptN = t.promptTokens - t.cachedTokens;
  return {
    cache_n: t.cachedTokens,
    prompt_n: promptN,
    prompt_ms: t.promptMs,
    prompt_per_second: perSecond(promptN, t.promptMs),
    predicted_n: t.generatedTokens,
    predicted_ms: t.generationMs,
    predicted_per_second: perSecond(t.generatedTokens, t.generationMs),
    ttft_ms: t.ttftMs,
    queue_ms: t.queueMs,
    total_ms: t.totalMs,
    ...(t.draft && draftFields(t.draft)),
  };
}

/** `draft_gain` is hearth's own: speed with drafts by speed without, null before it is measured. */
function draftFields({
  tokens,
  acceptedTokens,
  gain,
}: DraftTimings): Record<string, number | null> {
  return { draft_n: tokens, draft_n_accepted: acceptedTokens, draft_gain: gain };
}

export function progressFields(start: StartEvent | null, event: ProgressEvent): object {
  return {
    total: start?.promptTokens ?? 0,
    cache: start?.cachedTokens ?? 0,
    processed: event.processedTokens,
    time_ms: event.elapsedMs,
  };
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? (count * 1000) / ms : 0;
}

export type Beside = {
  /** Fields of the request that were taken and changed nothing. */
  ignored: string[];
  /** How long the model took to load, where the request waited for that. */
  loadMs: number | null;
};

export function hearthFields(
  start: StartEvent | null,
  end: EndEvent,
  { ignored, loadMs }: Beside,
): Record<string, unknown> {
  const { memory } = end;
  return {
    stop_reason: end.stopReason,
    stop_string: end.stopString ?? null,
    dropped_turns: start?.droppedTurns ?? 0,
    dropped_tokens: start?.droppedTokens ?? 0,
    ...(loadMs !== null && { load_ms: loadMs }),
    ...(ignored.length > 0 && { ignored_fields: ignored }),
    memory: {
      rss_bytes: memory.rssBytes,
      peak_rss_bytes: memory.peakRssBytes,
      device_before_bytes: memory.deviceBeforeBytes,
      device_peak_bytes: memory.devicePeakBytes,
      device_after_bytes: memory.deviceAfterBytes,
      context_used: memory.contextUsed,
      n_ctx: memory.nCtx,
    },
  };
}
