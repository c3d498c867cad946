// `hearth serve` as a user starts it: the command, its address, its processes and its log.
// The whole program is measured, so nothing of it runs in this process.
// Reads /proc, and so needs Linux.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { childrenOf } from '../tree-memory.js';
import { type ProgramMemory, programMemory } from './program-memory.js';
import type { LoadSetting } from './setting.js';

export type HearthOptions = LoadSetting & {
  /** Null is --no-log. */
  log: string | null;
  maxQueue?: number;
  /** Of a collector. */
  otlp?: string;
  /** Default any free one. */
  port?: number;
  env?: Record<string, string>;
  /** What is run; this hearth unless given. */
  program?: string[];
  /** Further models and options, as they are typed. */
  more?: string[];
};

const CLI = path.resolve(import.meta.dirname, '../../../cli.js');

export class HearthProcess implements AsyncDisposable {
  readonly pid: number;
  readonly log: string | null;
  url = '';
  readonly #process: ChildProcess;
  #said = '';

  private constructor(options: HearthOptions) {
    this.log = options.log;
    const [command = '', ...words] = options.program ?? [process.execPath, CLI];
    this.#process = spawn(command, [...words, 'serve', ...commandLine(options)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...withoutSettings(), ...options.env },
    });
    this.pid = this.#process.pid ?? 0;
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
  }

  /** Resolves when it says that it is ready. */
  static async start(options: HearthOptions): Promise<HearthProcess> {
    const hearth = new HearthProcess(options);
    hearth.url = await hearth.#saidReady();
    return hearth;
  }

  /** Of the process that holds the model now; undefined while there is none. */
  enginePid(): number | undefined {
    return childrenOf(this.pid)[0];
  }

  /** Of the server, its engine and the process of its chat template together. */
  memory(): ProgramMemory {
    const engine = childrenOf(this.pid);
    return programMemory([this.pid, ...engine, ...engine.flatMap(childrenOf)]);
  }

  /** Ends it in order. Throws what it said where that fails. */
  async stop(): Promise<void> {
    if (this.#hasEnded()) return;
    this.#process.kill('SIGTERM');
    const [code] = await once(this.#process, 'exit');
    if (code !== 0) throw new Error(`hearth serve ended with ${code}: ${this.#said}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded()) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }

  #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async #saidReady(): Promise<string> {
    for (;;) {
      const [, url] = /ready on (\S+)/.exec(this.#said) ?? [];
      if (url) return url;
      if (this.#hasEnded()) throw new Error(`hearth serve did not start: ${this.#said}`);
      const changed = new AbortController();
      const { signal } = changed;
      const data = this.#process.stderr ? once(this.#process.stderr, 'data', { signal }) : null;
      await Promise.race([data, once(this.#process, 'exit', { signal })]);
      changed.abort();
    }
  }
}

function commandLine(options: HearthOptions) {
  const { modelPath, threads, nCtx, parallel, log, maxQueue, otlp, port = 0, more = [] } = options;
  return [
    ...[modelPath, '--gpu', 'off', '--port', `${port}`],
    ...(otlp === undefined ? [] : ['--otlp', otlp]),
    ...['--ctx', `${nCtx}`, '--parallel', `${parallel}`],
    ...(threads === null ? [] : ['--threads', `${threads}`]),
    ...(log === null ? ['--no-log'] : ['--log', log]),
    ...(maxQueue === undefined ? [] : ['--max-queue', `${maxQueue}`]),
    ...more,
  ];
}

/** What the user has set for their own server must not change what is measured. */
function withoutSettings(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('HEARTH_'));
  return Object.fromEntries(others);
}
