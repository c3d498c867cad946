// Speculative decoding: the draft model says what may come next, the model that answers checks all of it
// in one batch, and takes its own choice where they differ. Every token is thus chosen from the answering
// model's own logits by its own sampler, one after the other, as without a draft.
// node-llama-cpp's predictor of that name is for its own loop of one sequence, and chooses tokens beyond the
// first wrong one, too, which moves a seeded sampler on.
import type { MachineLoad } from '../../../llama/machine-load.js';
import { Decoder } from './decoder.js';
import type { DraftModel } from './draft-model.js';
import { DraftPace, type DraftVerdict } from './draft-pace.js';
import { Drafter } from './drafter.js';
import type { RunningAnswer } from './running-answer.js';
import type { Slot } from './slot.js';

/** More are rarely right in one go, and each that is wrong was computed twice for nothing. */
const MOST_DRAFTED = 8;

export type SpeculationOptions = {
  drafter: Drafter;
  pace: DraftPace;
  /** For tests and benches: drafts as many tokens as it may, sure or not, whether it pays or not. */
  always: boolean;
  /** For who runs the engine: drafting was switched on or off, and why. */
  onNotice: (text: string) => void;
};

export class Speculation {
  readonly #options: SpeculationOptions;
  #wasPaying: boolean | null = null;
  #isBroken = false;

  constructor(options: SpeculationOptions) {
    this.#options = options;
  }

  get gain(): number | null {
    return this.#options.pace.gain;
  }

  /** What may follow the slot's text, of at most `room` tokens. */
  async draft({ tokens }: Slot, answer: RunningAnswer, room: number): Promise<number[]> {
    const { drafter, pace, always } = this.#options;
    if (this.#isBroken || !(always || pace.isDrafting)) return [];
    const most = Math.min(MOST_DRAFTED, room, answer.tokensLeft - 1);
    try {
      return await drafter.draft([...tokens, ...answer.pending], most, () => answer.isOver);
    } catch (error) {
      this.#isBroken = true;
      this.#options.onNotice(`drafting is off: ${(error as Error).message}`);
      return [];
    }
  }

  /** Takes how a step with or without a draft went. */
  record(tokens: number, durationMs: number): void {
    const { pace, always, onNotice } = this.#options;
    if (this.#isBroken || always || tokens === 0) return;
    const verdict = pace.record({ isDraft: pace.isDrafting, tokens, durationMs });
    if (verdict === null || verdict.pays === this.#wasPaying) return;
    this.#wasPaying = verdict.pays;
    onNotice(noticeOf(verdict));
  }
}

/** Undefined without a draft model. */
export function openSpeculation(
  draft: DraftModel | undefined,
  load: MachineLoad,
  onNotice: (text: string) => void,
): Speculation | undefined {
  if (!draft) return undefined;
  const { native, threads, nCtx, nBatch, always } = draft;
  const { context } = native;
  const sampler = native.createSampler();
  sampler.applyConfig({ temperature: 0 });
  const decoder = new Decoder(context, threads, load);
  const sure = always ? { leastProbability: 0 } : {};
  const drafter = new Drafter({ context, decoder, sampler, nCtx, nBatch, ...sure });
  return new Speculation({ drafter, pace: new DraftPace(), always, onNotice });
}

function noticeOf({ pays, drafting, plain, termTokens }: DraftVerdict): string {
  const measured = `${drafting.toFixed(1)} tok/s with it, ${plain.toFixed(1)} without`;
  return pays
    ? `drafting pays: ${measured}`
    : `drafting is off: ${measured}; tried again after ${termTokens} tokens`;
}
