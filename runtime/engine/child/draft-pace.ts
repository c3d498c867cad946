// Whether drafting pays, by what tokens took with it and without it on this machine.
// How many drafts are right depends on the text, and what a wrong one costs on the machine and on what else
// runs there, so that nothing but a measurement tells: stretches of an answer take turns, and the quicker
// way is kept for a while. Keeps no clock.

/** Long enough that a draft of several tokens weighs little, short enough that the machine stays as it is. */
const STRETCH_TOKENS = 16;
/** Of each way before it is judged. */
const TRIAL_TOKENS = 64;
/** Drafting takes memory and power, too: as quick is not quick enough. */
const LEAST_GAIN = 1.02;
/** Until the next trial; twice as many each time that drafting does not pay again. */
const FIRST_TERM_TOKENS = 1_024;
const LONGEST_TERM_TOKENS = 16_384;

export type PaceStep = {
  isDraft: boolean;
  /** That the answer got. */
  tokens: number;
  /** All that they took: drafting, checking and choosing. */
  durationMs: number;
};

export type DraftVerdict = {
  pays: boolean;
  /** Speed with drafts by speed without. */
  gain: number;
  /** Tokens a second. */
  drafting: number;
  plain: number;
  /** Until it is measured again. */
  termTokens: number;
};

type Way = { tokens: number; durationMs: number };

export class DraftPace {
  #isDrafting = true;
  #isTrial = true;
  #drafting: Way = { tokens: 0, durationMs: 0 };
  #plain: Way = { tokens: 0, durationMs: 0 };
  #stretchTokens = 0;
  #termTokens = FIRST_TERM_TOKENS;
  #left = 0;
  #gain: number | null = null;

  /** Whether the next tokens are drafted. */
  get isDrafting(): boolean {
    return this.#isDrafting;
  }

  /** As last measured; null before. */
  get gain(): number | null {
    return this.#gain;
  }

  /** Takes what a step of the answer took; returns a verdict where it ends a trial. */
  record({ isDraft, tokens, durationMs }: PaceStep): DraftVerdict | null {
    if (!this.#isTrial) {
      this.#left -= tokens;
      if (this.#left <= 0) this.#startTrial();
      return null;
    }
    const way = isDraft ? this.#drafting : this.#plain;
    way.tokens += tokens;
    way.durationMs += durationMs;
    this.#stretchTokens += tokens;
    if (this.#stretchTokens < STRETCH_TOKENS) return null;
    this.#stretchTokens = 0;
    this.#isDrafting = !this.#isDrafting;
    const isWhole = Math.min(this.#drafting.tokens, this.#plain.tokens) >= TRIAL_TOKENS;
    return isWhole ? this.#judge() : null;
  }

  #startTrial(): void {
    this.#isTrial = true;
    this.#isDrafting = true;
    this.#drafting = { tokens: 0, durationMs: 0 };
    this.#plain = { tokens: 0, durationMs: 0 };
  }

  #judge(): DraftVerdict {
    const [drafting, plain] = [speed(this.#drafting), speed(this.#plain)];
    const gain = drafting / plain;
    const pays = gain >= LEAST_GAIN;
    const termTokens = pays ? FIRST_TERM_TOKENS : this.#termTokens;
    this.#termTokens = pays ? FIRST_TERM_TOKENS : Math.min(2 * termTokens, LONGEST_TERM_TOKENS);
    this.#isTrial = false;
    this.#isDrafting = pays;
    this.#left = termTokens;
    this.#gain = gain;
    return { pays, gain, drafting, plain, termTokens };
  }
}

function speed({ tokens, durationMs }: Way): number {
  return (tokens * 1000) / durationMs;
}
