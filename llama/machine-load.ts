// Whether other programs keep every core of this machine busy at this moment: an average, as the system
// keeps it, would know seconds too late. Linux counts what wants to run right now; elsewhere nobody is seen.
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';

/** A look costs about 15 µs. */
const LOOK_EVERY_MS = 10;
/** So many looks one after the other must see a change: programs that pass a message on are busy for less. */
const CONFIRMING_LOOKS = 3;
/** Between them where somebody waits for them. */
const PASSING_MS = 1;
/** A look so long ago tells nothing of now: whoever asks then waits. */
const STALE_MS = 250;

export class MachineLoad {
  readonly #readOthers: () => number;
  readonly #cores: number;
  #isBusy = false;
  #changesSeen = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor({ readOthers = runnableOthers, cores = os.cpus().length } = {}) {
    this.#readOthers = readOthers;
    this.#cores = cores;
  }

  /**
   * Between tokens that follow each other, nobody waits for a change to be confirmed; nor where `mayWait` is
   * false, because what is about to be computed takes hardly longer than that.
   */
  async isBusy({ mayWait = true } = {}): Promise<boolean> {
    const age = performance.now() - this.#lookedAt;
    if (age < LOOK_EVERY_MS) return this.#isBusy;
    this.#compare(this.#look());
    while (mayWait && this.#changesSeen > 0 && age > STALE_MS) {
      await setTimeout(PASSING_MS);
      this.#compare(this.#look());
    }
    return this.#isBusy;
  }

  #compare(seen: boolean): void {
    this.#changesSeen = seen === this.#isBusy ? 0 : this.#changesSeen + 1;
    if (this.#changesSeen === CONFIRMING_LOOKS) {
      this.#isBusy = seen;
      this.#changesSeen = 0;
    }
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
