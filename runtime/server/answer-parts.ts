// What an answer is made of, read while it is written: words, thoughts, and calls with their arguments.
// Every API tells the same parts, each in its own form.
import { randomUUID } from 'node:crypto';
import type { GenerateEvent } from '../engine/engine.js';
import type { ToolFormat } from '../grammar/tool-format.js';
import { type SpokenPart, ThinkingReader } from './thinking-reader.js';
import { ToolCallReader } from './tool-call-reader.js';

export type AnswerPart =
  | SpokenPart
  /** `index` counts the calls of one answer. */
  | { kind: 'call'; index: number; id: string; name: string }
  | { kind: 'arguments'; index: number; text: string };

export type AnswerReading = {
  /** Null where the answer can hold no call. */
  format: ToolFormat | null;
  splitsThinking: boolean;
};

export class AnswerReader {
  readonly #thinking: ThinkingReader | null;
  readonly #tools: ToolCallReader | null;
  #calls = 0;

  constructor({ format, splitsThinking }: AnswerReading) {
    this.#thinking = splitsThinking ? new ThinkingReader() : null;
    this.#tools = format && new ToolCallReader(format);
  }

  get hasCalls(): boolean {
    return this.#calls > 0;
  }

  read(event: GenerateEvent): AnswerPart[] {
    if (event.kind === 'start' && event.opensThinking) this.#thinking?.open();
    if (event.kind === 'token') return this.#spoken(this.#said(event.text));
    if (event.kind !== 'end') return [];
    const last = this.#spoken(this.#thinking?.end() ?? []);
    return [...last, ...this.#numbered(this.#tools?.end() ?? [])];
  }

  #said(text: string): SpokenPart[] {
    if (text === '') return [];
    return this.#thinking?.read(text) ?? [{ kind: 'text', text }];
  }

  #spoken(parts: SpokenPart[]): AnswerPart[] {
    return parts.flatMap((part): AnswerPart[] => {
      if (part.kind === 'reasoning' || !this.#tools) return [part];
      return this.#numbered(this.#tools.read(part.text));
    });
  }

  #numbered(deltas: ReturnType<ToolCallReader['read']>): AnswerPart[] {
    return deltas.map((delta) => {
      if (delta.kind === 'text') return delta;
      if (delta.kind === 'arguments') return { ...delta, index: this.#calls - 1 };
      return { ...delta, index: this.#calls++, id: `call_${randomUUID()}` };
    });
  }
}
