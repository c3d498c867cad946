// The frame that OpenAI puts around the choices of an answer: identity, usage, timings.
// Fields are named as OpenAI and llama-server name them; hearth's own are under `hearth`.
import { randomUUID } from 'node:crypto';
import type { EndEvent, GenerateEvent, StartEvent, Timings } from '../engine/engine.js';
import { finishReason, hearthFields, progressFields, timingFields } from './answer-figures.js';
import type { ChoiceEvent } from './answers.js';
import type { AnswerForm } from './completion-route.js';
import type { CommonFields } from './request-fields.js';
import type { RequestedModel } from './requested-model.js';

/** What differs between chat and completions. */
export type Frame = {
  idPrefix: string;
  /** OpenAI's names of an answer and of a part of one. */
  object: string;
  chunkObject: string;
  /** Whether all choices are of one prompt, which then counts once, as with OpenAI. */
  sharesPrompt: boolean;
};

/** One of the answers to a request: its own fields, without index and finish reason. */
export type Choice = {
  /** In a chunk before the first event, and in that of the end. */
  readonly opening: object | null;
  readonly closing: object;
  add(event: GenerateEvent): object[];
  whole(): object;
  finishReason(reason: 'stop' | 'length'): string;
};

export type OpenAiOptions = {
  model: RequestedModel;
  frame: Frame;
  choices: Choice[];
  fields: Pick<CommonFields, 'stream_options'>;
  ignored: string[];
  /** Further fields of the whole answer. */
  more?: object;
};

export class OpenAiAnswer implements AnswerForm {
  readonly #options: OpenAiOptions;
  readonly #head: Record<string, unknown>;
  readonly #withUsage: boolean;
  readonly #told: { choice: Choice; start: StartEvent | null; end: EndEvent | null }[];

  constructor(options: OpenAiOptions) {
    const { model, frame, choices, fields } = options;
    this.#options = options;
    this.#withUsage = fields.stream_options?.include_usage ?? false;
    this.#head = {
      id: `${frame.idPrefix}-${randomUUID()}`,
      object: frame.object,
      created: Math.floor(Date.now() / 1000),
      model: model.id,
      system_fingerprint: fingerprint(model),
    };
    this.#told = choices.map((choice) => ({ choice, start: null, end: null }));
  }

  opening(): object[] {
    return this.#told.flatMap(({ choice: { opening } }, index) =>
      opening ? this.#chunk([{ index, ...opening, finish_reason: null }]) : [],
    );
  }

  add({ index, event }: ChoiceEvent): object[] {
    const told = this.#told[index];
    if (!told) return [];
    if (event.kind === 'start') told.start = event;
    if (event.kind === 'progress')
      return [this.#chunk([], { prompt_progress: progressFields(told.start, event) })];
    const timings = event.kind === 'token' ? withTimings(event.timings) : {};
    const chunks = told.choice
      .add(event)
      .map((fields) => this.#chunk([{ index, ...fields, finish_reason: null }], timings));
    if (event.kind !== 'end') return chunks;
    told.end = event;
    const finish_reason = this.#finishReason(index);
    const last = this.#chunk(
      [{ index, ...told.choice.closing, finish_reason }],
      this.#report(index),
    );
    return [...chunks, last];
  }

  closing(): object[] {
    if (!this.#withUsage) return [];
    return [this.#chunk([], { usage: this.#usage(), ...this.#report(0) })];
  }

  whole(): object {
    const choices = this.#told.map(({ choice }, index) => {
      return { index, ...choice.whole(), finish_reason: this.#finishReason(index) };
    });
    const { more = {} } = this.#options;
    return { ...this.#head, choices, usage: this.#usage(), ...this.#report(0), ...more };
  }

  #chunk(choices: object[], more: object = {}): object {
    const usage = this.#withUsage ? { usage: null } : {};
    const object = this.#options.frame.chunkObject;
    return { ...this.#head, object, choices, ...usage, ...more };
  }

  #finishReason(index: number): string | null {
    const { choice, end } = this.#told[index] ?? {};
    return choice && end ? choice.finishReason(finishReason(end.stopReason)) : null;
  }

  #report(index: number): { timings?: object; hearth?: object } {
    const { start = null, end } = this.#told[index] ?? {};
    if (!end) return {};
    const { ignored, model } = this.#options;
    const hearth = hearthFields(start, end, { ignored, loadMs: model.loadMs });
    return { timings: timingFields(end.timings), hearth };
  }

  #usage(): object {
    const all = this.#told.flatMap(({ end }) => end?.timings ?? []);
    const prompts = this.#options.frame.sharesPrompt ? all.slice(0, 1) : all;
    const prompt = prompts.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
    const cached = prompts.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0);
    const completion = all.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0);
    return {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
      prompt_tokens_details: { cached_tokens: cached },
    };
  }
}

/** Starts as llama-server's does, for those that tell it by that. */
function fingerprint({ engine: { info } }: RequestedModel): string | null {
  return info && `build-${info.llamaCppRelease}`;
}

function withTimings(timings: Timings | undefined): object {
  return timings ? { timings: timingFields(timings) } : {};
}

const NO_CHANCE = -9999;

/** JSON has no infinity; OpenAI writes -9999 for what has no chance at all. */
export function finite(logprob: number): number {
  return Number.isFinite(logprob) ? logprob : NO_CHANCE;
}
