// Runs `hearth chat` as its users do: from a script, or typed at a pseudo terminal.
// util-linux's `script` makes the terminal, so that raw mode, Ctrl-C and its process group are real.
// Every run has a state folder of its own, and one thread: two spin on each other on a busy machine.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { readReference } from '../../support/samples.js';
import { sqlite3 } from '../log/log-rows.js';

const cli = path.resolve(import.meta.dirname, '../../../cli.js');

export type ChatSetup = { modelPath: string; stateFolder: string };

/** Questions with PyTorch's greedy answers. */
export const prompts = readReference('appliance/dense').prompts.map(
  ({ question, greedy_text }) => ({ question, answer: greedy_text.trim() }),
);

function chatArguments({ modelPath }: ChatSetup, options: string[]): string[] {
  const quick = ['--threads', '1', '--gpu', 'off', '--temperature', '0'];
  const isGiven = options.includes('--temperature');
  return [cli, 'chat', modelPath, ...(isGiven ? quick.slice(0, -2) : quick), ...options];
}

function environment({ stateFolder }: ChatSetup, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  // A person's terminal: Node takes CI for one without colours.
  const { NO_COLOR, FORCE_COLOR, CI, ...env } = process.env;
  return { ...env, TERM: 'xterm', XDG_STATE_HOME: stateFolder, ...more };
}

/** Without a terminal. `stdin` undefined leaves it open, as a service would. */
export async function runChat(setup: ChatSetup, options: string[], stdin?: string) {
  const child = spawn(process.execPath, chatArguments(setup, options), {
    env: environment(setup),
  });
  if (stdin !== undefined) child.stdin.end(stdin);
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { status: status as number | null, stdout, stderr };
}

/** Without a terminal, for those who signal it. */
export function startChat(setup: ChatSetup, options: string[]): ChildProcess {
  return spawn(process.execPath, chatArguments(setup, options), { env: environment(setup) });
}

/** Rows of the log, read by SQLite's own shell. */
export function queryLog({ stateFolder }: ChatSetup, sql: string): Record<string, unknown>[] {
  return sqlite3(path.join(stateFolder, 'hearth/log.db'), sql);
}

export const CTRL_C = '\x03';
export const CTRL_D = '\x04';
export const UP = '\x1b[A';

const PATIENCE_MS = 60_000;

/** A chat at a terminal, and a person who reads before typing on. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';
  #readUpTo = 0;
  #onOutput: (() => void) | undefined;

  constructor(setup: ChatSetup, options: string[] = [], env: NodeJS.ProcessEnv = {}) {
    const command = [process.execPath, ...chatArguments(setup, options)].map(quoted).join(' ');
    // A shell in between would get Ctrl-C too, and end by it.
    const sized = env['COLUMNS_OF_TERMINAL'] ? `stty cols ${env['COLUMNS_OF_TERMINAL']}; ` : '';
    this.#child = spawn('script', ['-qec', `${sized}exec ${command}`, '/dev/null'], {
      env: environment(setup, { SHELL: '/bin/sh', ...env }),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (output: string) => {
      this.#output += output.replaceAll('\r', '');
      this.#onOutput?.();
    });
    this.#ended = once(this.#child, 'close').then(([status]) => {
      this.#onOutput?.();
      return status;
    });
  }

  /** Everything so far, as the terminal got it, without carriage returns. */
  get output(): string {
    return this.#output;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits until something new appears; returns what came up to its end. */
  async see(expected: string | RegExp): Promise<string> {
    for (;;) {
      const fresh = this.#output.slice(this.#readUpTo);
      const match =
        typeof expected === 'string' ? plainMatch(fresh, expected) : expected.exec(fresh);
      if (match) {
        const end = match.index + match[0].length;
        this.#readUpTo += end;
        return fresh.slice(0, end);
      }
      if (this.#child.exitCode !== null)
        throw new Error(`it ended before ${expected} was seen:\n${this.#output}`);
      await this.#moreOutput(expected);
    }
  }

  /** Waits for whatever comes next; a test that waits in vain says for what. */
  async #moreOutput(expected: string | RegExp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${expected} was not seen in ${PATIENCE_MS} ms:\n${this.#output}`));
      }, PATIENCE_MS);
      this.#onOutput = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Types a line at the prompt and waits for the figures that end its answer. */
  async ask(question: string): Promise<string> {
    await this.prompt();
    this.type(`${question}\r`);
    return this.see(/TTFT[^\n]*\n/);
  }

  async prompt(): Promise<string> {
    return this.see('> ');
  }

  /** The exit status; null where it had to be killed. */
  async end(): Promise<number | null> {
    const timer = setTimeout(() => this.kill(), PATIENCE_MS);
    const status = await this.#ended;
    clearTimeout(timer);
    return status;
  }

  /** Of `script`. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

function plainMatch(text: string, expected: string): { index: number; 0: string } | null {
  const index = text.indexOf(expected);
  return index < 0 ? null : { index, 0: expected };
}

function quoted(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}
