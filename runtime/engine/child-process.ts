// One child process with one loaded model, as the engine sees it: messages in, messages out, its end.
// A new one is made for each restart, so nothing of a dead one can be mistaken for the living.
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { forkLlama } from '../../llama/child.js';
import type { ChildEnd } from '../../llama/death.js';
import { NativeLog } from '../../llama/native-log.js';
import type { EngineOptions } from './engine.js';
import type { FromChild, ToChild } from './engine-protocol.js';
import { LEVEL_HEAP_FLAGS } from './small-heap.js';

/** Room for new objects that V8 fills before it collects them; the default costs 10 MiB more. */
const CHILD_FLAGS = ['--max-semi-space-size=1', ...LEVEL_HEAP_FLAGS];

const CHILD_ENV = {
  // Each further arena of glibc keeps what its threads have freed; a load leaves 5 MiB there.
  MALLOC_ARENA_MAX: '1',
};

/** Of -1000 to 1000, as in proc(5): before any other process of the system. */
const OOM_SCORE_ADJ = '900';

export type ChildEvents = {
  onMessage: (message: FromChild) => void;
  /** Called once, after the last message. */
  onEnd: (end: ChildEnd) => void;
};

export class EngineChild {
  readonly log = new NativeLog();
  readonly #process: ChildProcess;
  #ended: Promise<void>;

  constructor(options: EngineOptions, events: ChildEvents) {
    this.#process = takeAhead() ?? forkEngine();
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => this.log.write(text));
    this.#process.on('message', (message: FromChild) => {
      if (message.kind === 'log') this.log.add(message.lines);
      else events.onMessage(message);
    });
    this.#ended = new Promise((resolve) => {
      const end = (ended: ChildEnd): void => {
        events.onEnd(ended);
        resolve();
      };
      this.#process.once('close', (exitCode, signal) => end({ signal, exitCode }));
      this.#process.once('error', (cause) => {
        this.log.add([cause.message]);
        if (this.#process.pid === undefined) end({ signal: null, exitCode: null });
      });
    });
    this.send({ kind: 'load', options });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** To a child that is gone, messages are lost: its end tells of it. */
  send(message: ToChild): void {
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  /** Kills it: there is nothing in it that a gentler end would save. */
  async end(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}

let ahead: ChildProcess | undefined;

/**
 * Starts the process of the next engine before it is known what that loads: its modules take it
 * longer than a command line takes to be read. It keeps nothing running and ends with this process.
 */
export function forkEngineAhead(): void {
  ahead = forkEngine();
  ahead.once('error', () => {});
  // Of a command line that was wrong: it would import all else before it notices.
  process.once('exit', () => ahead?.kill('SIGKILL'));
  for (const handle of handlesOf(ahead)) handle?.unref();
}

/** None where it did not start, or has died meanwhile. */
function takeAhead(): ChildProcess | undefined {
  const taken = ahead;
  ahead = undefined;
  if (taken?.pid === undefined || !taken.connected) return undefined;
  for (const handle of handlesOf(taken)) handle?.ref();
  return taken;
}

/** What keeps this process running while it is open. */
function handlesOf(child: ChildProcess) {
  return [child, child.channel, child.stderr as Socket | null];
}

function forkEngine(): ChildProcess {
  const child = forkLlama(new URL('./child/main.js', import.meta.url), {
    args: [`${process.pid}`],
    flags: CHILD_FLAGS,
    env: CHILD_ENV,
    stderr: 'pipe',
  });
  giveWayInNeed(child.pid);
  return child;
}

/** From its first moment: one that starts is small yet, and the kernel would end its parent. */
function giveWayInNeed(pid: number | undefined): void {
  if (process.platform !== 'linux' || pid === undefined) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, OOM_SCORE_ADJ);
  } catch {
    // It may be read-only, as in some containers; the kernel then takes the larger process, mostly this.
  }
}
