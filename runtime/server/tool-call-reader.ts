// Reads a function call out of an answer while it is written: the name, then its arguments.
// The grammar has seen to the form, so the reader only finds where each part starts and ends.
// An answer that starts otherwise is words, and passes through.
import type { ToolFormat } from '../grammar/tool-grammar.js';

export type ToolDelta =
  | { kind: 'text'; text: string }
  | { kind: 'call'; name: string }
  | { kind: 'arguments'; text: string };

export class ToolCallReader {
  readonly #head: RegExp;
  readonly #format: ToolFormat;
  #state: 'start' | 'words' | 'arguments' | 'done' = 'start';
  #text = '';
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  constructor(format: ToolFormat) {
    this.#format = format;
    const key = format.argumentsKey;
    this.#head = new RegExp(`^[^{]*\\{\\s*"name"\\s*:\\s*"([^"]*)"\\s*,\\s*"${key}"\\s*:\\s*`);
  }

  read(text: string): ToolDelta[] {
    if (this.#state === 'words') return [{ kind: 'text', text }];
    if (this.#state === 'arguments') return this.#arguments(text);
    if (this.#state === 'done') return [];
    this.#text += text;
    return this.#start();
  }

  /** What was held back when the answer ends. */
  end(): ToolDelta[] {
    return this.#state === 'start' && this.#text ? [{ kind: 'text', text: this.#text }] : [];
  }

  #start(): ToolDelta[] {
    const words = this.#text.trimStart();
    if (words !== '' && !this.#mayBeCall(words)) {
      this.#state = 'words';
      return [{ kind: 'text', text: this.#text }];
    }
    const match = this.#head.exec(this.#text);
    if (!match) return [];
    this.#state = 'arguments';
    const call: ToolDelta = { kind: 'call', name: match[1] ?? '' };
    return [call, ...this.#arguments(this.#text.slice(match[0].length))];
  }

  #mayBeCall(words: string): boolean {
    const { open } = this.#format;
    if (words.startsWith('{')) return true;
    return open !== '' && (words.startsWith(open) || open.startsWith(words));
  }

  /** Up to the brace that closes the arguments' object. */
  #arguments(text: string): ToolDelta[] {
    let end = 0;
    while (end < text.length && this.#state === 'arguments') this.#step(text[end++] ?? '');
    return end > 0 ? [{ kind: 'arguments', text: text.slice(0, end) }] : [];
  }

  #step(char: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#inString && char === '\\') this.#isEscaped = true;
    else if (char === '"') this.#inString = !this.#inString;
    else if (!this.#inString && (char === '{' || char === '[')) this.#depth++;
    else if (!this.#inString && (char === '}' || char === ']') && --this.#depth === 0)
      this.#state = 'done';
  }
}
