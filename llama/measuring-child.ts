// What every process that measures is: it takes one task, tells what it finds, ends.
// llama.cpp's last words are told before a failure, and nothing is left running when the parent is gone.
// Measures nothing itself.
import { stayWithParent } from './orphan-watch.js';

export type MeasuringChild<Event> = {
  /** Resolves when the message has left: the next step may end this process. */
  send(event: Event): Promise<void>;
  /** For llama.cpp's log. */
  onLog(line: string): void;
};

/** Runs `work` on the task that the parent sends, and ends the process. */
export function takeTask<Task, Event>(
  work: (task: Task, child: MeasuringChild<Event>) => Promise<void>,
): void {
  stayWithParent();
  process.once('message', (task: Task) => void run(task, work));
}

async function run<Task, Event>(
  task: Task,
  work: (task: Task, child: MeasuringChild<Event>) => Promise<void>,
): Promise<void> {
  const lines: string[] = [];
  try {
    await work(task, { send, onLog: (line) => void lines.push(line) });
    await send({ kind: 'done' });
  } catch (thrown) {
    // llama.cpp's log arrives by way of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    await send({ kind: 'log', lines });
    await send({ kind: 'failed', message: (thrown as Error).message });
  }
  process.exit();
}

function send(event: unknown): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(event, undefined, undefined, () => resolve());
  });
}
