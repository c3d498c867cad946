// Messages from a person at a terminal: edited by readline, over several lines if need be.
// While the model answers the terminal is in its usual mode, so that Ctrl-C and Ctrl-Z work as
// everywhere, and what is typed meanwhile comes next.
import { createInterface, type Interface } from 'node:readline';
import { type History, MAX_LINES } from './history.js';
import { MessageLines } from './message-lines.js';
import type { Screen } from './screen.js';
import type { Stop } from './stop.js';

const PROMPT = '> ';
const CONTINUED = '... ';

export type MessageReaderOptions = {
  screen: Screen;
  history: History;
  stop: Stop;
  /** Words that Tab completes at the start of a line. */
  words: readonly string[];
};

export class MessageReader {
  readonly #options: MessageReaderOptions;
  readonly #readline: Interface;
  readonly #isSmart: boolean;
  /** Lines that came before they were asked for, as when several are pasted. */
  #early: string[] = [];
  #parts = new MessageLines();
  #isClosed = false;
  /** Said how to leave, and nothing was typed since. */
  #isWarned = false;
  #wake: (() => void) | undefined;

  constructor(options: MessageReaderOptions) {
    const { screen, history, stop, words } = options;
    this.#options = options;
    this.#isSmart = process.stdin.isTTY === true && screen.isSmart;
    this.#readline = createInterface({
      input: process.stdin,
      output: screen.notes,
      terminal: this.#isSmart,
      history: history.lines,
      historySize: MAX_LINES,
      removeHistoryDuplicates: true,
      completer: (line: string) => [words.filter((word) => word.startsWith(line)), line],
    });
    this.#readline.on('line', (line) => this.#receive(line));
    this.#readline.on('SIGINT', () => this.#interrupt());
    this.#readline.on('error', () => stop.hangUp());
    this.#readline.on('close', () => {
      this.#isClosed = true;
      this.#wake?.();
    });
    stop.leaving.addEventListener('abort', () => this.#wake?.());
  }

  async read(): Promise<string | null> {
    this.#parts = new MessageLines();
    for (;;) {
      const line = await this.#line();
      if (line === null) return null;
      const message = this.#parts.add(line);
      if (message !== null) {
        this.#release();
        return message;
      }
    }
  }

  close(): void {
    this.#readline.close();
  }

  async #line(): Promise<string | null> {
    const prompt = this.#parts.isEmpty ? PROMPT : CONTINUED;
    const early = this.#early.shift();
    if (early !== undefined) {
      this.#options.screen.say(prompt + early);
      return early;
    }
    this.#ask(prompt);
    while (this.#early.length === 0 && !this.#isOver)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const line = this.#early.shift();
    if (line !== undefined) return line;
    this.#options.screen.say('');
    return null;
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#options.stop.leaving.aborted;
  }

  #ask(prompt: string): void {
    if (this.#isOver) return;
    if (this.#isSmart) process.stdin.setRawMode(true);
    this.#readline.setPrompt(prompt);
    this.#readline.prompt();
  }

  #release(): void {
    if (this.#isClosed) return;
    this.#readline.pause();
    if (this.#isSmart) process.stdin.setRawMode(false);
  }

  #receive(line: string): void {
    this.#isWarned = false;
    this.#early.push(line);
    this.#options.history.add(line);
    this.#wake?.();
  }

  /** Ctrl-C throws away what is typed; where nothing is, it says how to leave, and leaves the second time. */
  #interrupt(): void {
    const isEmpty = this.#readline.line === '' && this.#parts.isEmpty;
    if (isEmpty && this.#isWarned) {
      this.#options.stop.interrupt();
      return;
    }
    this.#isWarned = isEmpty;
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    this.#parts = new MessageLines();
    this.#options.screen.say('');
    if (isEmpty) this.#options.screen.note('Ctrl-C once more leaves, and so does Ctrl-D');
    this.#ask(PROMPT);
  }
}
