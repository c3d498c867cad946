// Parts an answer into what the model thinks, between `<think>` and `</think>`, and what it says.
// A thought comes first or not at all; the prompt may have opened it already. White space around the
// tags belongs to neither.

export type SpokenPart = { kind: 'text' | 'reasoning'; text: string };

const [OPEN, CLOSE] = ['<think>', '</think>'];

export class ThinkingReader {
  #state: 'start' | 'thought' | 'after' | 'words' = 'start';
  #held = '';
  #hasThought = false;

  /** The prompt ended within a thought. */
  open(): void {
    this.#state = 'thought';
  }

  read(text: string): SpokenPart[] {
    this.#held += text;
    const parts: SpokenPart[] = [];
    for (let part = this.#next(); part; part = this.#next()) parts.push(part);
    return parts.filter((part) => part.text !== '');
  }

  /** What was held back when the answer ends. */
  end(): SpokenPart[] {
    const kind = this.#state === 'thought' ? 'reasoning' : 'text';
    const text = this.#take(this.#held.length);
    return text === '' || this.#state === 'after' ? [] : [{ kind, text }];
  }

  #next(): SpokenPart | null {
    if (this.#held === '') return null;
    switch (this.#state) {
      case 'start':
        return this.#start();
      case 'thought':
        return this.#thought();
      case 'after':
        return this.#after();
      case 'words':
        return { kind: 'text', text: this.#take(this.#held.length) };
      default:
        throw new Error(`unknown state ${this.#state satisfies never}`);
    }
  }

  #start(): SpokenPart | null {
    const words = this.#held.trimStart();
    if (words.startsWith(OPEN)) {
      this.#held = words.slice(OPEN.length);
      this.#state = 'thought';
    } else if (OPEN.startsWith(words)) return null;
    else this.#state = 'words';
    return { kind: 'text', text: '' };
  }

  #thought(): SpokenPart | null {
    if (!this.#hasThought) this.#held = this.#held.trimStart();
    const end = this.#held.indexOf(CLOSE);
    if (end >= 0) {
      const text = this.#take(end).trimEnd();
      this.#take(CLOSE.length);
      this.#state = 'after';
      return { kind: 'reasoning', text };
    }
    const text = this.#take(this.#held.length - heldLength(this.#held));
    if (text === '') return null;
    this.#hasThought = true;
    return { kind: 'reasoning', text };
  }

  #after(): SpokenPart | null {
    this.#held = this.#held.trimStart();
    if (this.#held === '') return null;
    this.#state = 'words';
    return { kind: 'text', text: '' };
  }

  #take(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return text;
  }
}

/** Of the end that may be white space before the tag, or the tag's start. */
function heldLength(text: string): number {
  const start = /\s*$/.exec(text.slice(0, text.length - tagStart(text)))?.index ?? text.length;
  return text.length - start;
}

function tagStart(text: string): number {
  for (let length = Math.min(CLOSE.length - 1, text.length); length > 0; length--)
    if (CLOSE.startsWith(text.slice(-length))) return length;
  return 0;
}
