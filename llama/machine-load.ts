// Whether other programs keep every core of this machine busy at this moment: an average, as the system
// keeps it, would know seconds too late. Linux counts what wants to run right now; elsewhere nobody is seen.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';

/** A look costs about 15 µs. */
const LOOK_EVERY_MS = 10;
/** Programs that pass a message on are busy for less than this. */
const PASSING_MS = 1;
/** A look so long ago tells nothing of now: whoever asks then waits for a second one. */
const STALE_MS = 250;

export class MachineLoad {
  readonly #readOthers: () => number;
  readonly #cores: number;
  #isBusy = false;
  /** Whether the last look saw a change, which the next one may confirm. */
  #isDoubted = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor({ readOthers = runnableOthers, cores = os.cpus().length } = {}) {
    this.#readOthers = readOthers;
    this.#cores = cores;
  }

  /** A change must be seen twice; between tokens that follow each other nobody waits for that. */
  async isBusy(): Promise<boolean> {
    const age = performance.now() - this.#lookedAt;
    if (age < (this.#isDoubted ? PASSING_MS : LOOK_EVERY_MS)) return this.#isBusy;
    this.#compare(this.#look());
    if (this.#isDoubted && age > STALE_MS) {
      await setTimeout(PASSING_MS);
      this.#compare(this.#look());
    }
    return this.#isBusy;
  }

  #compare(seen: boolean): void {
    const isChange = seen !== this.#isBusy;
    if (isChange && this.#isDoubted) this.#isBusy = seen;
    this.#isDoubted = isChange && !this.#isDoubted;
    this.#lookedAt = performance.now();
  }

  #look(): boolean {
    return this.#readOthers() >= this.#cores;
  }
}

/** Threads on the machine that want a core, without the one that asks; see proc(5) on loadavg. */
function runnableOthers(): number {
  try {
    const runnable = Number(/ (\d+)\//.exec(readFileSync('/proc/loadavg', 'latin1'))?.[1]);
    return Number.isNaN(runnable) ? 0 : runnable - 1;
  } catch {
    return 0;
  }
}
