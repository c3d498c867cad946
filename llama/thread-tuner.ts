// How many threads compute the next batch: as many as were quickest lately, on this machine, for batches
// of its size. ggml's threads wait for each other by spinning, so the best number changes with the model,
// the batch and what else runs here; finding it may cost one hundredth of the time. Computes nothing.
import { PROMPT_TOKENS, SizeClass } from './size-class.js';

export type TimedBatch = {
  nTokens: number;
  threads: number;
  wallMs: number;
  /** Of the whole process, on all cores. */
  cpuMs: number;
  /** As it was chosen for. */
  isBusy?: boolean;
};

/** Threads that got less than this of their cores waited for one that had none. */
const WAITING_SHARE = 0.8;
/** What one batch tells of the machine holds for the next if it comes soon. */
const FRESH_MS = 2000;

/** Numbers of threads worth telling apart, up to `most`: 1, 2, 3, 4, 6, 8, 12, 16, ... */
export function threadCounts(most: number): number[] {
  const counts: number[] = [];
  for (let power = 1; power < most; power *= 2) counts.push(power, power * 1.5);
  return [...counts.filter((count) => Number.isInteger(count) && count < most), most];
}

/** Chooses among `counts`, in rising order; where there is one alone, that is always taken. */
export class ThreadTuner {
  readonly #counts: readonly number[];
  /** By the logarithm of the batch's size, on a machine that others keep busy and on one that they do not. */
  readonly #quiet = new Map<number, SizeClass>();
  readonly #busy = new Map<number, SizeClass>();
  #isWaiting = false;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(counts: readonly number[]) {
    this.#counts = counts;
  }

  get counts(): readonly number[] {
    return this.#counts;
  }

  /** Takes what was measured before the first batch: for batches of one token, `costMs` of `threads`. */
  start(threads: number, costMs: number): void {
    const index = this.#counts.indexOf(threads);
    for (const classes of [this.#quiet, this.#busy])
      classes.set(0, new SizeClass(this.#counts.length, index, costMs));
  }

  /** Threads for a batch that is about to be computed; `isBusy` where others want every core. */
  choose(nTokens: number, isBusy = false): number {
    if (this.#counts.length === 1) return this.#counts[0] as number;
    const isWaiting = this.#isWaiting && this.#isFresh();
    return this.#counts[this.#classOf(nTokens, isBusy).choose(nTokens, isWaiting)] as number;
  }

  /** Whether the batch just computed got the cores that it wanted: then nobody else wants them all. */
  hadItsCores(): boolean {
    return !this.#isWaiting && this.#isFresh();
  }

  /** The number found best so far, without one that is being tried. */
  settled(nTokens: number): number {
    return this.#counts[this.#classOf(nTokens, false).current] as number;
  }

  /** What a batch of about this size took lately; infinite where none was computed. */
  expectedMs(nTokens: number): number {
    const cost = this.#quiet.get(sizeOf(nTokens))?.cost;
    return cost === undefined ? Number.POSITIVE_INFINITY : cost * nTokens;
  }

  /** Tells how a batch went. */
  record({ nTokens, threads, wallMs, cpuMs, isBusy = false }: TimedBatch): void {
    if (this.#counts.length === 1 || wallMs <= 0) return;
    this.#isWaiting = cpuMs / (threads * wallMs) < WAITING_SHARE;
    this.#toldAt = performance.now();
    const index = this.#counts.indexOf(threads);
    if (index >= 0)
      this.#classOf(nTokens, isBusy).record(index, { nTokens, wallMs }, this.#isWaiting);
  }

  #isFresh(): boolean {
    return performance.now() - this.#toldAt < FRESH_MS;
  }

  #classOf(nTokens: number, isBusy: boolean): SizeClass {
    const classes = isBusy ? this.#busy : this.#quiet;
    const size = sizeOf(nTokens);
    const known = classes.get(size);
    if (known) return known;
    const least = nTokens >= PROMPT_TOKENS ? Math.log2(PROMPT_TOKENS) : 0;
    const start = nearestSmaller(classes, size, least)?.current ?? this.#startOf(isBusy);
    const made = new SizeClass(this.#counts.length, start);
    classes.set(size, made);
    return made;
  }

  /** All of a quiet machine, half of one where each would wait for others. */
  #startOf(isBusy: boolean): number {
    const last = this.#counts.length - 1;
    const half = (this.#counts[last] as number) / 2;
    return isBusy
      ? Math.max(
          0,
          this.#counts.findLastIndex((count) => count <= half),
        )
      : last;
  }
}

function sizeOf(nTokens: number): number {
  return Math.floor(Math.log2(nTokens));
}

/** What batches nearly as large taught, where there were any of at least 2^`least` tokens. */
function nearestSmaller(
  classes: ReadonlyMap<number, SizeClass>,
  size: number,
  least: number,
): SizeClass | undefined {
  for (let smaller = size - 1; smaller >= least; smaller--) {
    const known = classes.get(smaller);
    if (known) return known;
  }
  return undefined;
}
