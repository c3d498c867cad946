// The time that a template may take for one request, however often it is rendered for it.
// Time in which the process starts, or others' templates are at work, is not taken from it.

/**
 * Templates take milliseconds, read and rendered: this is a hundred times that, for small boards that are
 * busy, and less than a person takes for a hang.
 */
const BASE_MS = 2000;

/** Loops over messages: the shortest take 50 characters and 50 us each here, ten times that on a board. */
const MS_PER_CHAR = 1 / 100;

export class TemplateBudget {
  #grantedMs = BASE_MS;
  #spentMs = 0;

  get leftMs(): number {
    return Math.max(0, this.#grantedMs - this.#spentMs);
  }

  /** Once a rendering: what it is given has so many characters. */
  grantFor(chars: number): void {
    this.#grantedMs += chars * MS_PER_CHAR;
  }

  spend(ms: number): void {
    this.#spentMs += ms;
  }

  /** Such as `2 s`. */
  toString(): string {
    return `${Number((this.#grantedMs / 1000).toPrecision(2))} s`;
  }
}
