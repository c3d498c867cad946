// A process that measures, from outside: events come in as it works, an error tells its end.
// A process of its own because a GPU that goes away, or memory that runs out, ends it.
// What runs in it is measuring-child.ts; measures nothing itself.
import type { ChildProcess } from 'node:child_process';
import { on, once } from 'node:events';
import { forkLlama } from './child.js';
import { describeDeath, memoryBefore } from './death.js';
import { MeasureError } from './measure-error.js';
import { NativeLog } from './native-log.js';

/** How any process that measures ends. */
export type MeasuringEnd =
  | { kind: 'failed'; message: string }
  | { kind: 'log'; lines: string[] }
  | { kind: 'done' };

export type MeasuringOptions = {
  signal: AbortSignal;
  /** Called with the new process's id before it has a task, to hold it to a budget. */
  onStart?: (pid: number) => void;
};

/**
 * What a process that runs `script` tells, in order, until it is done. Throws {@link MeasureError}
 * when it fails or dies, and the signal's reason when that aborts; leaving the loop ends the process.
 */
export async function* runMeasuringProcess<Event>(
  script: URL,
  task: object,
  { signal, onStart }: MeasuringOptions,
): AsyncGenerator<Event, void, undefined> {
  const before = memoryBefore();
  const log = new NativeLog();
  const child = start(script, log);
  const ended = new AbortController();
  const end = once(child, 'close').finally(() => ended.abort());
  try {
    if (child.pid !== undefined) onStart?.(child.pid);
    child.send(task);
    const stop = AbortSignal.any([signal, ended.signal]);
    for await (const event of events(child, stop)) {
      const told = event as MeasuringEnd;
      if (told.kind === 'failed') throw new MeasureError(withLastWords(told.message, log.lines));
      if (told.kind === 'log') log.add(told.lines);
      else yield event as Event;
      if (told.kind === 'done') return;
    }
    signal.throwIfAborted();
    const [exitCode, signalName] = (await end) as [number | null, string | null];
    const { message } = describeDeath({
      who: 'the measuring process',
      code: 'engine-died',
      end: { exitCode, signal: signalName },
      nativeLog: log.lines,
      askedBytes: undefined,
      before,
    });
    throw new MeasureError(message);
  } finally {
    child.kill('SIGKILL');
    await end;
  }
}

function start(script: URL, log: NativeLog): ChildProcess {
  const child = forkLlama(script, { stderr: 'pipe' });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => log.write(text));
  return child;
}

/** Ends when `signal` aborts, after what had come before. */
async function* events(child: ChildProcess, signal: AbortSignal): AsyncGenerator<unknown> {
  try {
    for await (const [event] of on(child, 'message', { signal })) yield event;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What llama.cpp said of a failure, and what to do where it was for want of memory. */
export function withLastWords(message: string, log: readonly string[]): string {
  const said = log.filter((line) => /error|fail|unable|cannot/i.test(line));
  const ofMemory = said.findLast((line) => /alloc|memory/i.test(line));
  if (ofMemory !== undefined)
    return `${message}: ${ofMemory}; memory ran out: free some, take a smaller type, or pass --gpu off where it is a GPU's`;
  const last = said.at(-1);
  return last === undefined ? message : `${message}: ${last}`;
}
