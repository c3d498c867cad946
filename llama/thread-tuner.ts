// How many threads compute the next batch: as many as were quickest lately, on this machine, for batches
// of its size. ggml's threads wait for each other by spinning, so the best number changes with the model,
// the batch and what else runs here; finding it may cost one hundredth of the time. Computes nothing.

export type TimedBatch = {
  nTokens: number;
  threads: number;
  wallMs: number;
  /** Of the whole process, on all cores. */
  cpuMs: number;
  /** As it was chosen for. */
  isBusy?: boolean;
};

/** Of the time that batches take, what trying other numbers may cost. */
const TRIAL_SHARE = 0.01;
/** What is left of that where the same number lost each time: half as much after each. */
const LEAST_SHARE = 0.001;
/** Batches after which another number may be said to be better; one is enough to say that it is not. */
const TRIAL_BATCHES = 4;
/** A number of threads must be as much quicker than the one in use to take its place. */
const BETTER = 0.95;
/** What counts of the loss of a number that was quicker before its threads had to wait for others. */
const WAITING_LOSS = 0.2;
/** The least that a trial is taken to cost: numbers that are equally quick are not tried all the time. */
const LEAST_LOSS = 0.2;
/** Batches of the number in use that it is judged by. */
const RECENT_BATCHES = 12;
/** Threads that got less than this of their cores waited for one that had none. */
const WAITING_SHARE = 0.8;
/** Batches from this size on are bound by arithmetic: more threads pay unless they wait. */
const PROMPT_TOKENS = 32;
/** What such a batch may take to be computed once by fewer threads, too, which may double it. */
const SHORT_PROMPT_MS = 25;
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

/** What a trial before the first answer may take; one decode more where that is slow. */
const FIRST_TRIAL_MS = 80;
/** A larger model's token takes longer than that, and is quickest by all threads of a quiet machine. */
const MOST_TRIED_BYTES = 512 * 2 ** 20;
/** Rounds of it, after one that warms up. */
const FIRST_TRIAL_ROUNDS = 3;

/**
 * Lets `decode` compute one token by each number of threads in turn, which returns how many ms it took, and
 * starts the tuner with the quickest, or the fewest that are nearly as quick. A number that is twice as slow
 * is not tried again, nor is any above it. Where time runs out before all were tried, nothing is told;
 * a model too large for it is not tried.
 */
export async function tryThreads(
  tuner: ThreadTuner,
  sizeBytes: number,
  decode: (threads: number) => Promise<number> | number,
): Promise<void> {
  const costs = new Map<number, number[]>();
  let counts = tuner.counts;
  if (counts.length === 1 || sizeBytes > MOST_TRIED_BYTES) return;
  let spentMs = await decode(counts[0] as number);
  for (let round = 0; round < FIRST_TRIAL_ROUNDS; round++)
    for (const threads of counts) {
      if (spentMs > FIRST_TRIAL_MS) break;
      const costMs = await decode(threads);
      spentMs += costMs;
      costs.set(threads, [...(costs.get(threads) ?? []), costMs]);
      if (costMs < 2 * quickest(costs)) continue;
      counts = counts.filter((count) => count < threads);
      break;
    }
  if (!counts.every((count) => costs.has(count))) return;
  const best = quickest(costs);
  const [threads, own] = [...costs].find(([, own]) => mean(own) * BETTER <= best) ?? [];
  if (threads && own) tuner.start(threads, mean(own));
}

function quickest(costs: ReadonlyMap<number, readonly number[]>): number {
  return Math.min(...Array.from(costs.values(), mean));
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

type Trial = { index: number; costs: number[]; lossMs: number; wasWaiting: boolean };

/** Batches of about one size. A cost is in ms a token; an index is one of the tuner's numbers of threads. */
class SizeClass {
  readonly #nCounts: number;
  #current: number;
  #recent: number[] = [];
  /** Whether its threads waited in all of those. */
  #wasWaiting = false;
  /** What the others cost when they were last tried: while threads waited for each other, and while not. */
  readonly #knownWaiting = new Map<number, number>();
  readonly #knownQuiet = new Map<number, number>();
  #trial: Trial | null = null;
  #lastTried = -1;
  /** Time that trials may still take; below 0 after a dear one. */
  #creditMs = 0;
  #trialShare = TRIAL_SHARE;

  constructor(nCounts: number, current: number, cost?: number) {
    this.#nCounts = nCounts;
    this.#current = current;
    if (cost !== undefined) this.#recent.push(cost);
  }

  get current(): number {
    return this.#current;
  }

  /** Of the number in use, where it was seen. */
  get cost(): number | undefined {
    return this.#recent.length > 0 ? this.#cost() : undefined;
  }

  choose(nTokens: number, isWaiting: boolean): number {
    this.#trial ??= this.#nextTrial(nTokens, isWaiting);
    return this.#trial?.index ?? this.#current;
  }

  record(
    index: number,
    { nTokens, wallMs }: { nTokens: number; wallMs: number },
    isWaiting: boolean,
  ): void {
    const cost = wallMs / nTokens;
    if (index === this.#trial?.index) this.#judge(this.#trial, { cost, nTokens, isWaiting });
    else if (index === this.#current) {
      if (isWaiting !== this.#wasWaiting) this.#meetAnotherMachine(isWaiting);
      this.#creditMs += wallMs * this.#trialShare;
      this.#recent = [...this.#recent.slice(1 - RECENT_BATCHES), cost];
    }
  }

  /** What was seen is nothing to compare with, but worth knowing when that machine is back. */
  #meetAnotherMachine(isWaiting: boolean): void {
    if (this.#recent.length > 0) this.#known(this.#wasWaiting).set(this.#current, this.#cost());
    this.#recent = [];
    this.#wasWaiting = isWaiting;
  }

  #nextTrial(nTokens: number, isWaiting: boolean): Trial | null {
    if (this.#recent.length === 0) return null;
    const affordable = [this.#current - 1, this.#current + 1].filter(
      (index) => index >= 0 && index < this.#nCounts && this.#mayTry(index, nTokens, isWaiting),
    );
    const index = affordable.find((other) => other !== this.#lastTried) ?? affordable[0];
    return index === undefined ? null : { index, costs: [], lossMs: 0, wasWaiting: isWaiting };
  }

  #mayTry(index: number, nTokens: number, isWaiting: boolean): boolean {
    const isLess = index < this.#current;
    const isPrompt = nTokens >= PROMPT_TOKENS;
    const cost = this.#cost();
    if (isLess && isPrompt && !isWaiting && cost * nTokens > SHORT_PROMPT_MS) return false;
    const known = this.#known(isWaiting).get(index);
    if (known === undefined)
      return (isLess && (isWaiting || isPrompt)) || this.#creditMs >= cost * nTokens;
    if (known <= cost * BETTER) return this.#creditMs >= 0;
    return this.#creditMs >= Math.max(known - cost, LEAST_LOSS * cost) * nTokens;
  }

  #judge(
    trial: Trial,
    { cost, nTokens, isWaiting }: { cost: number; nTokens: number; isWaiting: boolean },
  ): void {
    const own = this.#cost();
    trial.costs.push(cost);
    trial.lossMs += Math.max(cost - own, LEAST_LOSS * own) * nTokens;
    const isWorse = mean(trial.costs) > own * BETTER;
    if (!isWorse && trial.costs.length < TRIAL_BATCHES) return;
    this.#trial = null;
    this.#lastTried = trial.index;
    if (isWorse) this.#lose(trial, isWaiting);
    else this.#win(trial, own);
  }

  #lose({ index, costs, lossMs, wasWaiting }: Trial, isWaiting: boolean): void {
    const known = this.#known(wasWaiting);
    const cost = known.get(index);
    if (isWaiting && cost !== undefined && cost <= this.#cost() * BETTER) {
      this.#creditMs -= lossMs * WAITING_LOSS;
      return;
    }
    this.#creditMs -= lossMs;
    if (cost !== undefined) this.#trialShare = Math.max(LEAST_SHARE, this.#trialShare / 2);
    known.set(index, mean(costs));
  }

  #win({ index, costs, wasWaiting }: Trial, own: number): void {
    this.#known(wasWaiting).set(this.#current, own);
    this.#trialShare = TRIAL_SHARE;
    this.#current = index;
    this.#recent = costs;
  }

  #known(isWaiting: boolean): Map<number, number> {
    return isWaiting ? this.#knownWaiting : this.#knownQuiet;
  }

  /** Of the number in use: the mean without the worst, which may be another program's doing. */
  #cost(): number {
    const sorted = [...this.#recent].sort((a, b) => a - b);
    return mean(sorted.length > 2 ? sorted.slice(0, -1) : sorted);
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
