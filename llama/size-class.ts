// How many threads compute batches of about one size: the number that was quickest lately. Its neighbours are
// tried for a few batches now and then, which may cost one hundredth of the time, and what they cost is kept
// for a machine on which threads wait for each other and for one on which they do not.

/** A number of threads must be as much quicker than the one in use to take its place. */
export const BETTER = 0.95;
/** Batches from this size on are bound by arithmetic: more threads pay unless they wait. */
export const PROMPT_TOKENS = 32;
/** What such a batch may take to be computed once by fewer threads, too, which may double it. */
const SHORT_PROMPT_MS = 25;
/** Of the time that batches take, what trying other numbers may cost. */
const TRIAL_SHARE = 0.01;
/** What is left of that where the same number lost each time: half as much after each. */
const LEAST_SHARE = 0.001;
/** Batches after which another number may be said to be better; one is enough to say that it is not. */
const TRIAL_BATCHES = 4;
/** What counts of the loss of a number that was quicker before its threads had to wait for others. */
const WAITING_LOSS = 0.2;
/** The least that a trial is taken to cost: numbers that are equally quick are not tried all the time. */
const LEAST_LOSS = 0.2;
/** Batches of the number in use that it is judged by. */
const RECENT_BATCHES = 12;

type Trial = { index: number; costs: number[]; lossMs: number; wasWaiting: boolean };

/** A cost is in ms a token; an index is one of `nCounts` numbers of threads, in rising order. */
export class SizeClass {
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

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
