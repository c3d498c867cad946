// HAProxy with the configuration in deploy/haproxy, in front of replicas on this machine.
// Needs HAProxy, as Debian has it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const DEPLOY = path.resolve(import.meta.dirname, '../../../../deploy/haproxy');
const FIRST_ANSWER_MS = 60_000;

export class Balancer implements Disposable {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(port: number, replicaPorts: readonly number[]) {
    this.url = `http://127.0.0.1:${port}`;
    const replicas = replicaPorts.map((port, i) => [`HEARTH_${i + 1}`, `127.0.0.1:${port}`]);
    const env = { HEARTH_BALANCER: `127.0.0.1:${port}`, HEARTH_ERRORS: DEPLOY };
    this.#process = spawn('haproxy', ['-db', '-f', path.join(DEPLOY, 'haproxy.cfg')], {
      env: { ...process.env, ...env, ...Object.fromEntries(replicas) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** Resolves when one of the replicas answers through it. Rejects where HAProxy cannot run. */
  static async start(port: number, replicaPorts: readonly number[]): Promise<Balancer> {
    const balancer = new Balancer(port, replicaPorts);
    const failed = new AbortController();
    const { signal } = failed;
    const ended = once(balancer.#process, 'exit', { signal }).then(([code]) => {
      throw new Error(`haproxy ended with ${code}`);
    });
    try {
      await Promise.race([ended, balancer.#untilAnswers()]);
    } catch (error) {
      balancer[Symbol.dispose]();
      throw error;
    } finally {
      failed.abort();
      await ended.catch(() => {});
    }
    return balancer;
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL');
  }

  async #untilAnswers(): Promise<void> {
    const deadline = performance.now() + FIRST_ANSWER_MS;
    while (performance.now() < deadline) {
      const response = await fetch(`${this.url}/health`).catch(() => null);
      if (response?.ok) return;
      await sleep(100);
    }
    throw new Error(`no replica answered through HAProxy within ${FIRST_ANSWER_MS / 1000} s`);
  }
}
