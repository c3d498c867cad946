// One process that parses and renders templates, as those see it who must not wait for it for ever.
// A process and not a thread: it can be ended whatever it does, and what V8 does when memory runs out
// is to abort the process. Knows one job at a time; whoever has several takes turns.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TemplateAnswer, TemplateJob, TemplateOrder } from './protocol.js';
import type { TemplateBudget } from './template-budget.js';
import { TemplateError } from './template-error.js';

export type TemplateLimits = { budget: TemplateBudget; signal?: AbortSignal | undefined };

/** Far more than starting takes on a small board that is busy. */
const START_MS = 30_000;

/** Beyond the budget, so that the process gives up by itself only where nobody ends it. */
const ORPHAN_MS = 2000;

const LATE = new Error('the process for chat templates did not start in time');

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

const MIB = 2 ** 20;

/**
 * Bytes of data that Linux gives the process: about 90 MiB are Node's own, and a conversation of 8
 * million characters takes 70. V8's own limit holds for garbage alone: one string may be beyond it.
 */
const MAX_DATA_BYTES = 256 * MIB;
/** Some small systems have none; V8's own limit then bounds the process. */
const SHELL = '/bin/sh';
/** A core of it would tell nobody anything, and cost a small board its disk. */
const BOUND = `ulimit -c 0; ulimit -d ${MAX_DATA_BYTES / 1024}; exec "$0" "$@"`;
const FLAGS = ['--max-old-space-size=128', '--max-semi-space-size=1'];

export class TemplateProcess {
  readonly #process: ChildProcess;
  readonly #started: Promise<void>;
  #answered: ((answer: TemplateAnswer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;
  #isStarted = false;
  #isOver = false;

  /** Starts it; a process that nobody waits for keeps nobody running. */
  constructor() {
    this.#process = startProcess();
    this.#process.unref();
    this.#process.channel?.unref();
    this.#process.on('message', (answer: TemplateAnswer) => this.#answered?.(answer));
    this.#process.once('error', (cause) => this.#lose(cause.message));
    this.#process.once('exit', (code, signal) => this.#lose(signal ?? `code ${code}`));
    this.#started = this.#answer().then(() => {
      this.#isStarted = true;
    });
    this.#started.catch(() => {});
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * The answer's text. Throws {@link TemplateError}, or the signal's reason; the process is over
   * then, unless the template itself gave up.
   */
  async ask(job: TemplateJob, { budget, signal }: TemplateLimits): Promise<string> {
    await this.#within(START_MS, signal, this.#started);
    const startedAt = performance.now();
    const answer = this.#answer();
    const order: TemplateOrder = { job, timeoutMs: Math.ceil(budget.leftMs) + ORPHAN_MS };
    this.#process.send(order, () => {});
    try {
      return textOf(await this.#within(budget.leftMs, signal, answer), job);
    } catch (error) {
      throw error === LATE ? new TemplateError('over-budget', `takes more than ${budget}`) : error;
    } finally {
      budget.spend(performance.now() - startedAt);
    }
  }

  end(): void {
    this.#process.kill('SIGKILL');
    this.#isOver = true;
  }

  #answer(): Promise<TemplateAnswer> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      if (this.#isOver) reject(new Error('the process for chat templates has ended'));
    });
  }

  /** Ends the process where it takes longer, or where nobody waits any more. */
  async #within<Result>(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    result: Promise<Result>,
  ): Promise<Result> {
    let stop = (_: unknown): void => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = (reason) => {
        this.end();
        reject(reason);
      };
    });
    const leave = (): void => stop(signal?.reason);
    const timer = setTimeout(() => stop(LATE), timeoutMs);
    signal?.addEventListener('abort', leave, { once: true });
    if (signal?.aborted) leave();
    try {
      return await Promise.race([stopped, result]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
    }
  }

  #lose(how: string): void {
    this.#isOver = true;
    this.#failed?.(
      this.#isStarted
        ? new TemplateError(
            'over-budget',
            `ended its process (${how}), as one does that needs more than ${MAX_DATA_BYTES / MIB} MiB`,
          )
        : new Error(`the process for chat templates did not start (${how})`),
    );
  }
}

function startProcess(): ChildProcess {
  const [file, ...args] = [process.execPath, ...FLAGS, CHILD];
  const bounded = process.platform === 'linux' && existsSync(SHELL);
  return spawn(bounded ? SHELL : file, bounded ? ['-c', BOUND, file, ...args] : args, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    // What this process was told to load, such as a test's loaders, would not fit.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

function textOf(answer: TemplateAnswer, job: TemplateJob): string {
  switch (answer.kind) {
    case 'done':
      return answer.text;
    case 'refused':
      throw new TemplateError(job.kind === 'parse' ? 'unreadable' : 'refused', answer.message);
    case 'over-budget':
      throw new TemplateError('over-budget', answer.message);
    case 'started':
      throw new Error('the process for chat templates has started twice');
    default:
      throw new Error(`unknown answer ${JSON.stringify(answer satisfies never)}`);
  }
}
