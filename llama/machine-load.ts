// Whether other programs keep every core of this machine busy at this moment: an average, as the system
// keeps it, would know seconds too late. Linux counts what wants to run right now; elsewhere nobody is seen.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';

/** A look costs about 15 µs. */
const LOOK_EVERY_MS = 10;
/** Programs that pass a message on are busy for less than this. */
const PASSING_MS = 1;

export class MachineLoad {
  readonly #readOthers: () => number;
  readonly #cores: number;
  #isBusy = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor({ readOthers = runnableOthers, cores = os.cpus().length } = {}) {
    this.#readOthers = readOthers;
    this.#cores = cores;
  }

  /** A change must be seen twice. */
  async isBusy(): Promise<boolean> {
    if (performance.now() - this.#lookedAt < LOOK_EVERY_MS) return this.#isBusy;
    const seen = this.#look();
    if (seen !== this.#isBusy) {
      await setTimeout(PASSING_MS);
      if (this.#look() === seen) this.#isBusy = seen;
    }
    this.#lookedAt = performance.now();
    return this.#isBusy;
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
