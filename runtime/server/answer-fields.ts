// The parts that every answer of the OpenAI API has in common: usage, timings, what hearth adds.
// Fields are named as OpenAI and llama-server name them; hearth's own are under `hearth`.
// Pure functions of what the engine reported.
import type { Memory, StopReason, TokenLogprob } from '../engine/engine.js';
import type { EndEvent, StartEvent, TokenEvent } from './answers.js';

/** Of all choices: the prompt counts once, as with OpenAI. */
export function usage(ends: EndEvent[]): Record<string, unknown> {
  const [first] = ends;
  const prompt = first?.timings.promptTokens ?? 0;
  const completion = ends.reduce((sum, { timings }) => sum + timings.generatedTokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: first?.timings.cachedTokens ?? 0 },
  };
}

/** As llama-server's: `prompt_n` are the tokens evaluated, those in the cache not included. */
export function timings({ timings: t }: EndEvent): Record<string, number> {
  const promptN = t.promptTokens - t.cachedTokens;
  return {
    cached_n: t.cachedTokens,
    prompt_n: promptN,
    prompt_ms: t.promptMs,
    prompt_per_second: perSecond(promptN, t.promptMs),
    predicted_n: t.generatedTokens,
    predicted_ms: t.generationMs,
    predicted_per_second: perSecond(t.generatedTokens, t.generationMs),
    ttft_ms: t.ttftMs,
    queue_ms: t.queueMs,
    total_ms: t.totalMs,
  };
}

/** What was cut, why the answer ended, and the memory that it took. */
export function hearthFields(start: StartEvent | null, end: EndEvent): Record<string, unknown> {
  return {
    stop_reason: end.stopReason,
    stop_string: end.stopString ?? null,
    dropped_turns: start?.droppedTurns ?? 0,
    dropped_tokens: start?.droppedTokens ?? 0,
    memory: memoryFields(end.memory),
  };
}

function memoryFields(memory: Memory): Record<string, number | null> {
  return {
    rss_bytes: memory.rssBytes,
    peak_rss_bytes: memory.peakRssBytes,
    device_before_bytes: memory.deviceBeforeBytes,
    device_peak_bytes: memory.devicePeakBytes,
    device_after_bytes: memory.deviceAfterBytes,
    context_used: memory.contextUsed,
    n_ctx: memory.nCtx,
  };
}

/** OpenAI knows fewer reasons; `hearth.stop_reason` has the exact one. */
export function finishReason(stopReason: StopReason): 'stop' | 'length' {
  return stopReason === 'eos' || stopReason === 'stop' ? 'stop' : 'length';
}

type Logprob = { token: string; logprob: number; bytes: number[] };

/** `logprobs.content` of a chat answer. */
export function chatLogprobs(
  logprobs: NonNullable<TokenEvent['logprobs']>,
): (Logprob & { top_logprobs: Logprob[] })[] {
  return logprobs.map(({ top, ...chosen }) => ({
    ...chatLogprob(chosen),
    top_logprobs: top.map(chatLogprob),
  }));
}

function chatLogprob({ token, logprob }: TokenLogprob): Logprob {
  return { token, logprob: finite(logprob), bytes: [...Buffer.from(token)] };
}

/** JSON has no infinity; OpenAI writes this for what has no chance at all. */
export function finite(logprob: number): number {
  return Number.isFinite(logprob) ? logprob : NO_CHANCE;
}

const NO_CHANCE = -9999;

function perSecond(count: number, ms: number): number {
  return ms > 0 ? (count * 1000) / ms : 0;
}
