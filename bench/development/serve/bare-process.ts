// A process with bare node-llama-cpp: one request at a time, by IPC.
// A process of its own, as its threads and memory must not be the measuring one's.
// What it does is bare.ts.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { forkLlama } from '../../../llama/child.js';
import type { BareReply, BareRequest } from './bare.js';
import type { BareSetting } from './setting.js';

export class BareProcess implements AsyncDisposable {
  readonly #process: ChildProcess;

  private constructor() {
    this.#process = forkLlama(new URL('./bare.js', import.meta.url), { stderr: 'inherit' });
  }

  static async start(setting: BareSetting): Promise<BareProcess> {
    const bare = new BareProcess();
    await bare.#ask({ kind: 'load', setting });
    return bare;
  }

  answer(prompts: string[], maxTokens: number): Promise<BareReply> {
    return this.#ask({ kind: 'answer', prompts, maxTokens });
  }

  async #ask(request: BareRequest): Promise<BareReply> {
    const asking = new AbortController();
    const { signal } = asking;
    const ended = once(this.#process, 'exit', { signal }).then(([code, name]) => {
      throw new Error(`bare node-llama-cpp ended with ${name ?? code}`);
    });
    this.#process.send(request);
    try {
      const replied = once(this.#process, 'message', { signal });
      const [reply] = (await Promise.race([replied, ended])) as [BareReply];
      return reply;
    } finally {
      ended.catch(() => {});
      asking.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }
}
