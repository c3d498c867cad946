import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Sends Ctrl-C as soon as `file` is there. */
export function interruptAt(file: string, child: ChildProcess): void {
  const poll = setInterval(() => {
    const isThere = existsSync(file);
    if (isThere) child.kill('SIGINT');
    if (isThere || child.exitCode !== null) clearInterval(poll);
  }, 5);
}
