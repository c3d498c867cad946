// How a process that loads llama.cpp is started. A process of its own, because llama.cpp ends the one in
// which it cannot go on, as does a driver that breaks. How it ended is told by death.ts.
import { type ChildProcess, fork } from 'node:child_process';

export type LlamaChildOptions = {
  args?: string[];
  /** Node's own. */
  flags?: string[];
  env?: NodeJS.ProcessEnv;
  /** What llama.cpp says where it aborts; ignored by default. */
  stderr?: 'ignore' | 'pipe' | 'inherit';
  /** After which it is killed. */
  timeoutMs?: number;
};

/** Messages are serialised so that buffers stay buffers. */
export function forkLlama(script: URL, options: LlamaChildOptions = {}): ChildProcess {
  const { args = [], flags = [], env = {}, stderr = 'ignore', timeoutMs } = options;
  return fork(script, args, {
    serialization: 'advanced',
    // What a parent runs with, such as a loader of its tests, is not for its child.
    execArgv: flags,
    stdio: ['ignore', 'ignore', stderr, 'ipc'],
    // A backtrace starts a debugger on the dying process, which can take minutes.
    env: { ...process.env, ...env, GGML_NO_BACKTRACE: '1' },
    ...(timeoutMs !== undefined && { timeout: timeoutMs, killSignal: 'SIGKILL' }),
  });
}
