// An answer for a person at a terminal, as it streams: lines end between words, and the little Markdown
// that models write (bold, code, lists, headings) is shown, not spelled. A word is held back until it is
// whole; code in fences stays as it came. What is no Markdown, such as 2**3, stays, too.
import { styleText } from 'node:util';
import stringWidth from 'string-width';

export type LayoutOptions = {
  /** Cells of a line; 0 where nobody knows, and then lines are left to the terminal. */
  columns: number;
  hasColour: boolean;
};

const FENCE = '```';
/** Of scripts without spaces, a line may end after any character. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}。、」）]/u;

export class AnswerLayout {
  readonly #options: LayoutOptions;
  #word = '';
  #column = 0;
  /** Nothing of this line was written yet. */
  #isLineStart = true;
  #indent = 0;
  #isFenced = false;
  #isHeading = false;
  #isBold = false;
  #isCode = false;

  constructor(options: LayoutOptions) {
    this.#options = options;
  }

  /** What of `text` and of what was held back can be written by now. */
  write(text: string): string {
    let out = '';
    for (const character of text) {
      if (character === '\n') out += this.#endLine();
      else if (character === ' ') out += `${this.#endWord()}${this.#space()}`;
      else {
        this.#word += character;
        if (UNSPACED.test(character)) out += this.#endWord();
      }
    }
    return out;
  }

  /** The rest. */
  end(): string {
    return this.#endWord();
  }

  #endLine(): string {
    const isFence = this.#isLineStart && this.#word.startsWith(FENCE);
    const out = isFence ? '' : this.#endWord();
    if (isFence) this.#isFenced = !this.#isFenced;
    const hadText = this.#column > 0 || !isFence;
    this.#word = '';
    this.#column = 0;
    this.#indent = 0;
    this.#isLineStart = true;
    this.#isHeading = false;
    this.#isBold = false;
    this.#isCode = false;
    return hadText ? `${out}\n` : '';
  }

  #endWord(): string {
    const word = this.#word;
    if (word === '') return '';
    if (this.#isFenced) return this.#put(word, (text) => this.#style('dim', text));
    if (this.#isLineStart && word.startsWith(FENCE)) return '';
    if (this.#isLineStart && /^#{1,6}$/.test(word)) {
      this.#isHeading = true;
      this.#word = '';
      return '';
    }
    if (this.#isLineStart && /^[-*+]$/.test(word)) return this.#bullet('•');
    if (this.#isLineStart && /^\d{1,3}[.)]$/.test(word)) return this.#bullet(word);
    return this.#inline(word);
  }

  /** Lines that follow stand below the text of the item. */
  #bullet(mark: string): string {
    const out = this.#put(mark, (text) => text);
    this.#indent = this.#column + 1;
    return out;
  }

  /** Marks open before a word and close after it. */
  #inline(word: string): string {
    const match = /^(\*\*|`)?(.*?)(\*\*|`)?([.,:;!?)]*)$/su.exec(word);
    const [, opening = '', inner = '', closing = '', after = ''] = match ?? [];
    const opens = opening !== '' && inner !== '';
    const isMarked = (mark: string) =>
      (opens && opening === mark) || (mark === '**' ? this.#isBold : this.#isCode);
    const closes = closing !== '' && isMarked(closing);
    if (opens) this.#set(opening, true);
    const text = `${opens ? '' : opening}${inner}${closes ? '' : closing}`;
    const style = this.#isCode ? ('cyan' as const) : this.#isBold ? ('bold' as const) : null;
    const heading = this.#isHeading ? ('bold' as const) : style;
    if (closes) this.#set(closing, false);
    return this.#put(`${text}${after}`, () =>
      heading === null ? `${text}${after}` : `${this.#style(heading, text)}${after}`,
    );
  }

  #set(mark: string, isOn: boolean): void {
    if (mark === '**') this.#isBold = isOn;
    else this.#isCode = isOn;
  }

  #put(shown: string, styled: (text: string) => string): string {
    const width = stringWidth(shown);
    const { columns } = this.#options;
    const isTooWide = columns > 0 && this.#column > this.#indent && this.#column + width > columns;
    const before = isTooWide && !this.#isFenced ? `\n${' '.repeat(this.#indent)}` : '';
    this.#column = before === '' ? this.#column + width : this.#indent + width;
    this.#word = '';
    this.#isLineStart = false;
    return before + styled(shown);
  }

  /** A heading's first space goes with its mark; one at a line's very end is never written. */
  #space(): string {
    if (this.#word !== '') {
      // A fence with the name of a language holds its line until that ends.
      this.#word += ' ';
      return '';
    }
    if (this.#isHeading && this.#column === 0) return '';
    const { columns } = this.#options;
    if (columns > 0 && this.#column >= columns) return '';
    this.#column++;
    return ' ';
  }

  #style(style: 'bold' | 'cyan' | 'dim', text: string): string {
    return this.#options.hasColour ? styleText(style, text, { validateStream: false }) : text;
  }
}
