// What an answer cost: the times between its tokens, and the memory of this process and device.
// Read from the kernel and the backend, never computed from sizes.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Memory, Timings } from '../engine.js';

/** Clock readings in ms, from the request's arrival in this process on. */
export class AnswerClock {
  readonly #receivedAt = performance.now();
  #startedAt = this.#receivedAt;
  #firstTokenAt: number | undefined;
  #lastTokenAt = 0;
  #intervals: number[] = [];
  #generatedTokens = 0;
  readonly #draft = { tokens: 0, acceptedTokens: 0 };

  get generatedTokens(): number {
    return this.#generatedTokens;
  }

  /** Since it left the queue. */
  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  start(): void {
    this.#startedAt = performance.now();
  }

  token(): void {
    const now = performance.now();
    if (this.#firstTokenAt === undefined) this.#firstTokenAt = now;
    else this.#intervals.push(now - this.#lastTokenAt);
    this.#lastTokenAt = now;
    this.#generatedTokens++;
  }

  countDraft(tokens: number, acceptedTokens: number): void {
    this.#draft.tokens += tokens;
    this.#draft.acceptedTokens += acceptedTokens;
  }

  get draft(): Readonly<{ tokens: number; acceptedTokens: number }> {
    return this.#draft;
  }

  /** `queueMs` is the parent's to add. */
  timings(promptTokens: number, cachedTokens: number): Timings {
    const endedAt = performance.now();
    const firstTokenAt = this.#firstTokenAt ?? endedAt;
    const sorted = this.#intervals.sort((a, b) => a - b);
    return {
      queueMs: 0,
      ttftMs: firstTokenAt - this.#receivedAt,
      promptTokens,
      cachedTokens,
      promptMs: firstTokenAt - this.#startedAt,
      generatedTokens: this.#generatedTokens,
      generationMs: this.#firstTokenAt === undefined ? 0 : this.#lastTokenAt - firstTokenAt,
      totalMs: endedAt - this.#receivedAt,
      interTokenP50Ms: quantile(sorted, 0.5),
      interTokenP95Ms: quantile(sorted, 0.95),
      interTokenMaxMs: sorted.at(-1) ?? 0,
    };
  }
}

/** Nearest rank; 0 of nothing. */
function quantile(sorted: number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

export type DeviceMemory = () => number | null;

/** The memory around one answer; device memory is read where something may have changed it. */
export class AnswerMemory {
  readonly #device: DeviceMemory;
  readonly #before: number | null;
  #peak: number | null;

  /** `alone`: no other answer is under way, so that the peak of RSS can be this one's. */
  constructor(device: DeviceMemory, options: { alone: boolean }) {
    this.#device = device;
    this.#before = device();
    this.#peak = this.#before;
    if (options.alone) resetPeak();
  }

  sample(): number | null {
    const used = this.#device();
    if (used !== null) this.#peak = Math.max(this.#peak ?? 0, used);
    return used;
  }

  read(contextUsed: number, nCtx: number): Memory {
    const after = this.sample();
    return {
      ...processMemory(),
      deviceBeforeBytes: this.#before,
      devicePeakBytes: this.#peak,
      deviceAfterBytes: after,
      contextUsed,
      nCtx,
    };
  }
}

/** Where there is no /proc, the peak is that of the whole run. */
export function processMemory(): { rssBytes: number; peakRssBytes: number } {
  try {
    const status = readFileSync('/proc/self/status', 'latin1');
    const kib = (key: string): number =>
      Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return { rssBytes: kib('VmRSS') * 1024, peakRssBytes: kib('VmHWM') * 1024 };
  } catch {
    return {
      rssBytes: process.memoryUsage.rss(),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    };
  }
}

/** Linux starts counting the peak of RSS anew when told so. */
function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // The peak is then that of the run so far, which is still true, if less telling.
  }
}
