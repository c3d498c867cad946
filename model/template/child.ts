// The process in which strangers' templates are parsed and rendered with Hugging Face's Jinja.
// Its lexer and its loops know no bounds and its values grow as they like: here they can block or
// bring down nothing but this process, which whoever started it ends when it has waited enough.
// Imports nothing else: it is in memory for as long as a model is.
import { writeFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import { Template } from '@huggingface/jinja';
import type { TemplateAnswer, TemplateJob, TemplateOrder } from './protocol.js';

/** A refusal is shown in one line; a template may raise megabytes. */
const MAX_MESSAGE_CHARS = 300;

let template: Template | undefined;

giveWayInNeed();
// Ctrl-C and service managers signal the whole group; when to end is for the parent to say.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('disconnect', () => process.exit());
process.on('message', (order: TemplateOrder) => say(answer(order)));
say({ kind: 'started' });

function answer({ job, timeoutMs }: TemplateOrder): TemplateAnswer {
  try {
    return atMost(timeoutMs, () => work(job));
  } catch (cause) {
    return failure(cause);
  }
}

function work(job: TemplateJob): TemplateAnswer {
  switch (job.kind) {
    case 'parse':
      template = new Template(job.source);
      return { kind: 'done', text: '' };
    case 'render': {
      const text = template?.render(job.variables) ?? '';
      // Before it is sent: that makes one piece of it, and a copy.
      return text.length > job.maxChars
        ? { kind: 'over-budget', message: `writes more than ${job.maxChars} characters` }
        : { kind: 'done', text };
    }
    default:
      throw new Error(`unknown job ${JSON.stringify(job satisfies never)}`);
  }
}

/** V8 itself interrupts what runs, also within a regular expression. */
function atMost<Result>(timeoutMs: number, task: () => Result): Result {
  Object.assign(globalThis, { hearthTask: task });
  return runInThisContext('hearthTask()', { timeout: timeoutMs }) as Result;
}

function failure(cause: unknown): TemplateAnswer {
  const message = (cause instanceof Error ? cause.message : String(cause)).slice(
    0,
    MAX_MESSAGE_CHARS,
  );
  // The stack is full, or a string or an array is larger than V8 can make one.
  return cause instanceof RangeError
    ? { kind: 'over-budget', message: `nests or grows without end (${message})` }
    : { kind: 'refused', message };
}

function say(answer: TemplateAnswer): void {
  process.send?.(answer, undefined, undefined, () => {
    // A parent that is gone has closed the channel, which ends this process.
  });
}

/** Where memory runs out, the kernel takes this process before the model's. */
function giveWayInNeed(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Not Linux, or not allowed; the kernel then takes the largest, mostly the model's.
  }
}
