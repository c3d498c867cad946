// What each stage of a pruning took, and how much memory this process had meanwhile: looked at ten times a second
// and whenever a stage tells how far it is, so a short peak may be missed. What llama.cpp takes in a process of its
// own is not counted. Shows nothing.
import type { StageName } from './stage.js';

export type StageCost = {
  name: StageName;
  durationMs: number;
  /** Of this process, at the most. */
  peakRssBytes: number;
};

const LOOK_EVERY_MS = 100;

export class StageClock {
  /** In the order in which they began; one that comes again goes on. */
  readonly #costs = new Map<StageName, StageCost>();
  readonly #timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  #at: { name: StageName; since: number } | null = null;

  /** That stage is at work, until another is or the clock stops. */
  at(name: StageName): void {
    this.#look();
    if (this.#at?.name !== name) this.#at = { name, since: performance.now() };
    this.#look();
  }

  stop(): StageCost[] {
    this.#look();
    clearInterval(this.#timer);
    this.#at = null;
    return [...this.#costs.values()];
  }

  #look(): void {
    if (!this.#at) return;
    const { name, since } = this.#at;
    const { durationMs = 0, peakRssBytes = 0 } = this.#costs.get(name) ?? {};
    const now = performance.now();
    this.#costs.set(name, {
      name,
      durationMs: durationMs + now - since,
      peakRssBytes: Math.max(peakRssBytes, process.memoryUsage.rss()),
    });
    this.#at = { name, since: now };
  }
}
