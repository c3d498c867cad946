// The last things that llama.cpp said: through its logger, and on stderr when it aborts.
// Kept by the parent, because the child cannot tell any more when they matter.
// Shows nothing; failures carry the lines.

const KEPT_LINES = 40;
const MAX_LINE_CHARS = 500;
/** Empty, or a piece of the bar that loading draws. */
const SAYS_NOTHING = /^\.*$/;

export class NativeLog {
  #lines: string[] = [];
  #partial = '';

  add(lines: string[]): void {
    const kept = lines.map((line) => line.trimEnd().slice(0, MAX_LINE_CHARS));
    this.#lines = [...this.#lines, ...kept.filter((line) => !SAYS_NOTHING.test(line))].slice(
      -KEPT_LINES,
    );
  }

  /** Text as it comes from a stream, in pieces that need not end at a line's end. */
  write(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = (lines.pop() ?? '').slice(-MAX_LINE_CHARS);
    this.add(lines);
  }

  get lines(): string[] {
    return this.#partial === '' ? [...this.#lines] : [...this.#lines, this.#partial];
  }
}
