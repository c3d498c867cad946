// Where a conversation is shown: answers on stdout, everything else where a person looks.
// Everything is made safe here, so that no path to the terminal can forget it; colour only where
// the terminal has it and nobody set NO_COLOR.
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { readable } from '../../terminal/foreign-text.js';
import { EngineError } from '../engine/engine-error.js';
import { AnswerLayout } from './answer-layout.js';

export class Screen {
  /** Notes and prompts: stdout where a person reads it, else stderr. */
  readonly notes: WriteStream;
  readonly #answers = process.stdout;
  /** Of the answer under way, where a person reads it. */
  #layout: AnswerLayout | null = null;
  #atLineStart = true;

  /** `isForPrograms`: answers are a result for other programs, so everything else goes to stderr. */
  constructor({ isForPrograms }: { isForPrograms: boolean }) {
    this.notes = process.stdout.isTTY && !isForPrograms ? process.stdout : process.stderr;
  }

  /** Whether the cursor can be moved and lines redrawn. */
  get isSmart(): boolean {
    return this.notes.isTTY === true && process.env.TERM !== 'dumb';
  }

  answer(text: string): void {
    if (text === '') return;
    this.#layout ??= this.#openLayout();
    this.#write(this.#layout ? this.#layout.write(readable(text)) : readable(text));
  }

  /** Ends the answer's last line, if it has not ended it itself. */
  endAnswer(): void {
    this.#write(this.#layout?.end() ?? '');
    this.#layout = null;
    if (!this.#atLineStart) this.#answers.write('\n');
    this.#atLineStart = true;
  }

  #write(shown: string): void {
    if (shown === '') return;
    this.#answers.write(shown);
    this.#atLineStart = shown.endsWith('\n');
  }

  /** Programs get the answer as the model wrote it. */
  #openLayout(): AnswerLayout | null {
    if (!this.isSmart || this.notes !== this.#answers) return null;
    return new AnswerLayout({
      columns: this.#answers.columns || 0,
      hasColour: this.#answers.hasColors(),
    });
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

const LAST_LINES = 6;

/**
 * An error as chat shows it: its message, and the engine's last words where its process died. Both can
 * come from a file that nobody vouches for, so no control character is left in them.
 */
export function failureText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return readable([message, ...lastWords(error)].join('\n  '));
}

function lastWords(error: unknown): string[] {
  const tellsMore = error instanceof EngineError && /^(engine-died|load-failed)$/.test(error.code);
  return tellsMore ? (error.nativeLog ?? []).slice(-LAST_LINES) : [];
}
