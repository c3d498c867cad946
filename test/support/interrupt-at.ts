import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Sends Ctrl-C as soon as `file` is there. */
export function interruptAt(file: string, child: ChildProcess): void {
  const poll = setInterval(() => {
    if (existsSync(file)) child.kill('SIGINT');
    if (existsSync(file) || child.exitCode !== null) clearInterval(poll);
  }, 5);
}
