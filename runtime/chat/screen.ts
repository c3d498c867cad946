// Where a conversation is shown: answers on stdout, everything else where a person looks.
// Everything is made safe here, so that no path to the terminal can forget it; colour only where
// the terminal has it and nobody set NO_COLOR. Reads nothing.
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { readable } from '../../terminal/foreign-text.js';

export type ScreenOptions = {
  /** Answers are a result for other programs: everything else goes to stderr. */
  isForPrograms: boolean;
};

export class Screen {
  /** Notes and prompts: stdout where a person reads it, else stderr. */
  readonly notes: WriteStream;
  readonly #answers = process.stdout;
  #atLineStart = true;

  constructor({ isForPrograms }: ScreenOptions) {
    this.notes = process.stdout.isTTY && !isForPrograms ? process.stdout : process.stderr;
  }

  /** Whether the cursor can be moved and lines redrawn. */
  get isSmart(): boolean {
    return this.notes.isTTY === true && process.env.TERM !== 'dumb';
  }

  answer(text: string): void {
    if (text === '') return;
    this.#answers.write(readable(text));
    this.#atLineStart = text.endsWith('\n');
  }

  /** Ends the answer's last line, if it has not ended it itself. */
  endAnswer(): void {
    if (!this.#atLineStart) this.#answers.write('\n');
    this.#atLineStart = true;
  }

  say(text: string): void {
    this.notes.write(`${readable(text)}\n`);
  }

  /** Beside the point: figures and notices. */
  note(text: string): void {
    this.notes.write(`${this.#style('dim', readable(text))}\n`);
  }

  error(text: string): void {
    this.notes.write(`${this.#style('red', `error: ${readable(text)}`)}\n`);
  }

  /** A line that the next one replaces; nothing where lines cannot be replaced. */
  status(text: string): void {
    if (this.isSmart) this.notes.write(`\r\x1b[2K${this.#style('dim', readable(text))}`);
  }

  clearStatus(): void {
    if (this.isSmart) this.notes.write('\r\x1b[2K');
  }

  #style(style: 'dim' | 'red', text: string): string {
    const hasColour = this.notes.isTTY === true && this.notes.hasColors();
    return hasColour ? styleText(style, text, { validateStream: false }) : text;
  }
}
