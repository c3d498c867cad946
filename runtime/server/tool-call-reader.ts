// Reads function calls out of an answer while it is written: of each the name, then its arguments.
// The grammar has seen to the form, so the reader only finds where each part starts and ends.
// An answer that starts otherwise is words, and passes through.
import type { ToolFormat } from '../grammar/tool-format.js';

export type ToolDelta =
  | { kind: 'text'; text: string }
  | { kind: 'call'; name: string }
  | { kind: 'arguments'; text: string };

export class ToolCallReader {
  readonly #head: RegExp;
  readonly #format: ToolFormat;
  #state: 'start' | 'words' | 'arguments' | 'between' = 'start';
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
    this.#text += text;
    return this.#state === 'start' ? this.#start() : this.#call();
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
    return this.#call();
  }

  /** What lies between two calls says nothing. */
  #call(): ToolDelta[] {
    const match = this.#head.exec(this.#text);
    if (!match) return [];
    this.#state = 'arguments';
    const call: ToolDelta = { kind: 'call', name: match[1] ?? '' };
    const rest = this.#text.slice(match[0].length);
    this.#text = '';
    return [call, ...this.#arguments(rest)];
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
    const found: ToolDelta[] = end > 0 ? [{ kind: 'arguments', text: text.slice(0, end) }] : [];
    return end < text.length ? [...found, ...this.read(text.slice(end))] : found;
  }

  #step(char: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#inString && char === '\\') this.#isEscaped = true;
    else if (char === '"') this.#inString = !this.#inString;
    else if (!this.#inString && (char === '{' || char === '[')) this.#depth++;
    else if (!this.#inString && (char === '}' || char === ']') && --this.#depth === 0)
      this.#state = 'between';
  }
}
