// A chat template of anybody's making, as text in and text out: what it may take is bounded, and an
// abort ends it at once. The process is started when it is first needed, or ahead; one that had to be
// ended is followed by a new one. Knows nothing of messages and models.
import { TemplateBudget } from './template-budget.js';
import { TemplateError } from './template-error.js';
import { type TemplateLimits, TemplateProcess } from './template-process.js';

export class BoundedTemplate {
  readonly #source: string;
  #process: TemplateProcess | undefined;
  #isParsed = false;
  #isClosed = false;
  /** The end of the job that was asked for last: a process has one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /** `process` is one that was started ahead; this then ends it. */
  constructor(source: string, process?: TemplateProcess) {
    this.#source = source;
    this.#process = process;
  }

  /** Throws {@link TemplateError} where it is no template, or the signal's reason. */
  async parse(limits: TemplateLimits): Promise<void> {
    await this.#inTurn(async () => {
      await this.#parsed(limits);
    }, limits.signal);
  }

  /**
   * What the template makes of these, at most `maxChars` characters.
   * Throws {@link TemplateError}, or the signal's reason.
   */
  async render(
    variables: Record<string, unknown>,
    { maxChars, ...limits }: TemplateLimits & { maxChars: number },
  ): Promise<string> {
    return await this.#inTurn(async () => {
      try {
        const process = await this.#parsed(limits);
        return await process.ask({ kind: 'render', variables, maxChars }, limits);
      } finally {
        this.#renew();
      }
    }, limits.signal);
  }

  close(): void {
    this.#isClosed = true;
    this.#process?.end();
  }

  /** The next request need not wait for a process to start. */
  #renew(): void {
    if (this.#isClosed || (this.#process && !this.#process.isOver)) return;
    this.#process = new TemplateProcess();
    this.#isParsed = false;
  }

  async #parsed(limits: TemplateLimits): Promise<TemplateProcess> {
    this.#renew();
    const process = this.#process;
    if (!process) throw new Error('the template is closed');
    if (!this.#isParsed) await process.ask({ kind: 'parse', source: this.#source }, limits);
    this.#isParsed = true;
    return process;
  }

  /** Rejects at once where the signal says so, though others' jobs are under way. */
  async #inTurn<Result>(
    job: () => Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const turn = this.#last.then(() => {
      signal?.throwIfAborted();
      return job();
    });
    this.#last = turn.catch(() => {});
    return await unlessAborted(turn, signal);
  }
}

async function unlessAborted<Result>(
  result: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (!signal) return await result;
  let leave = (): void => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
  });
  try {
    return await Promise.race([left, result]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** What is wrong with a template's source; null for nothing. Throws the signal's reason. */
export async function templateProblem(
  source: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<string | null> {
  const template = new BoundedTemplate(source);
  try {
    await template.parse({ budget: new TemplateBudget(), signal });
    return null;
  } catch (cause) {
    if (cause instanceof TemplateError) return cause.message;
    throw cause;
  } finally {
    template.close();
  }
}
