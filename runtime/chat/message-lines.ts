// Lines become a message: one line each, unless it ends with a backslash or opens with """.
// A block keeps its lines as they are typed or pasted, up to a line that ends with """.

const QUOTES = '"""';

/** `/system """` starts a block as well. */
const BLOCK_START = /^(\/system\s+)?"""(.*)$/su;

export class MessageLines {
  #lines: string[] = [];
  #isBlock = false;

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** The message, if it ends with this line. */
  add(line: string): string | null {
    if (this.#isBlock) return this.#addToBlock(line);
    const start = this.isEmpty ? BLOCK_START.exec(line) : null;
    if (start) return this.#startBlock(start[1] ?? '', start[2] ?? '');
    const continues = line.endsWith('\\');
    this.#lines.push(continues ? line.slice(0, -1) : line);
    return continues ? null : this.#take();
  }

  #startBlock(command: string, rest: string): string | null {
    this.#isBlock = true;
    // The first line of the block, after the command that takes it.
    this.#lines.push(command);
    return rest === '' ? null : this.#addToBlock(rest);
  }

  #addToBlock(line: string): string | null {
    const ends = line.endsWith(QUOTES);
    const text = ends ? line.slice(0, -QUOTES.length) : line;
    if (!ends || text !== '') this.#lines.push(text);
    return ends ? this.#take() : null;
  }

  #take(): string {
    const [first = '', ...rest] = this.#lines;
    const text = this.#isBlock ? first + rest.join('\n') : this.#lines.join('\n');
    this.#lines = [];
    this.#isBlock = false;
    return text;
  }
}
