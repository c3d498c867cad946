// llama.cpp's own plan of a context's memory, asked of a child process that is started when first
// needed and again after it died. Exact for the backend that plans, as it runs llama.cpp's own code
// up to the allocation. Only contexts are asked for; weights are arithmetic.
import type { ChildProcess } from 'node:child_process';
import { forkLlama } from '../../../llama/child.js';
import type { Backend } from '../../../llama/settings.js';
import type {
  DryRunQuestion,
  DryRunResult,
  DryRunSettings,
  FromDryRun,
  LocalGpu,
} from './dry-run-protocol.js';

/** llama.cpp said no: to this model or these settings, not to being asked. */
export class DryRunRefusal extends Error {
  override readonly name = 'DryRunRefusal';
}

type Waiting = { resolve: (result: DryRunResult) => void; reject: (error: Error) => void };
type Living = { process: ChildProcess; gpu: LocalGpu | null };

export class DryRun {
  readonly #backend: Backend;
  readonly #waiting = new Map<number, Waiting>();
  #child: Promise<Living> | undefined;
  #nextId = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Null where llama.cpp finds no device of this backend here, or cannot be loaded. */
  async localGpu(): Promise<LocalGpu | null> {
    return await this.#start().then(
      ({ gpu }) => gpu,
      () => null,
    );
  }

  /** Rejects with {@link DryRunRefusal}, or another error where llama.cpp aborts or is not here. */
  async plan(header: Uint8Array, settings: DryRunSettings): Promise<DryRunResult> {
    const child = await this.#start();
    const id = this.#nextId++;
    return await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.process.send({ id, header, settings } satisfies DryRunQuestion, (error) => {
        if (error) this.#settle(id)?.reject(error);
      });
    });
  }

  async close(): Promise<void> {
    const child = await this.#child?.catch(() => undefined);
    child?.process.kill('SIGKILL');
  }

  #start(): Promise<Living> {
    this.#child ??= new Promise((resolve, reject) => {
      const child = forkLlama(new URL('./dry-run-child.js', import.meta.url), {
        args: [this.#backend],
      });
      let wasReady = false;
      child.on('message', (message: FromDryRun) => {
        if (message.kind !== 'ready') return this.#receive(message);
        wasReady = true;
        resolve({ process: child, gpu: message.gpu });
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        // One that cannot be loaded once cannot be loaded again.
        if (wasReady) this.#child = undefined;
        const error = new Error(`llama.cpp's dry run ended with ${signal ?? code}`);
        reject(error);
        for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(error);
      });
    });
    return this.#child;
  }

  #receive(message: Exclude<FromDryRun, { kind: 'ready' }>): void {
    const waiting = this.#settle(message.id);
    if (message.kind === 'result') waiting?.resolve(message.result);
    else waiting?.reject(new DryRunRefusal(message.message));
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
