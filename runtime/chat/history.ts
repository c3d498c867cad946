// The lines that were typed, for the arrow keys of the next chat.
// Added one by one, so that chats side by side keep each other's; cut to size when read.
// A history that cannot be kept is no reason not to chat.
import { appendFile, chmod, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { PRIVATE, replacePrivateFile } from '../engine/private-file.js';
import { defaultLogPath } from '../log/log-path.js';

export const MAX_LINES = 1_000;
const MAX_LINE_CHARS = 4_096;
const PRIVATE_FOLDER = 0o700;

/** `$XDG_STATE_HOME/hearth/history`, beside the log. */
export function defaultHistoryPath(): string {
  return path.join(path.dirname(defaultLogPath()), 'history');
}

export class History {
  readonly #path: string;
  readonly #onWarning: (message: string) => void;
  #adding = Promise.resolve();
  #isBroken = false;
  /** Newest first, as readline wants them. */
  lines: string[] = [];

  constructor(filePath: string, onWarning: (message: string) => void) {
    this.#path = filePath;
    this.#onWarning = onWarning;
  }

  async read(): Promise<void> {
    await this.#try(async () => {
      await mkdir(path.dirname(this.#path), { recursive: true, mode: PRIVATE_FOLDER });
      await appendFile(this.#path, '', { mode: PRIVATE });
      await chmod(this.#path, PRIVATE);
      const lines = (await readFile(this.#path, 'utf8')).split('\n').filter(Boolean);
      const kept = lines.slice(-MAX_LINES);
      if (kept.length < lines.length)
        await replacePrivateFile(this.#path, (file) => file.writeFile(`${kept.join('\n')}\n`));
      this.lines = kept.reverse();
    });
  }

  /** Kept soon; one after the other. */
  add(line: string): void {
    if (line.trim() === '' || line.length > MAX_LINE_CHARS || this.#isBroken) return;
    this.#adding = this.#adding.then(() =>
      this.#try(() => appendFile(this.#path, `${line}\n`, { mode: PRIVATE })),
    );
  }

  async close(): Promise<void> {
    await this.#adding;
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#isBroken = true;
      this.#onWarning(`the history is not kept: ${(error as Error).message}`);
    }
  }
}
