// Runs the hearth command as a user does: its own process, stdout and stderr apart.
// A test may send it signals, or look at how much memory it took.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { packageRoot } from './samples.js';

export type HearthRun = { status: number | null; stdout: string; stderr: string };
export type HearthOptions = {
  cwd?: string;
  env?: Record<string, string>;
  /** Called with the process once it runs. */
  onStart?: (child: ChildProcess) => void;
};

export const cli = path.join(packageRoot, 'dist/cli.js');

/** `hearth` with these arguments. */
export async function hearth(args: string[], options: HearthOptions = {}): Promise<HearthRun> {
  return await runProgram([process.execPath, cli, ...args], options);
}

/** Any program, with what it printed. */
export async function runProgram(
  [command = '', ...args]: string[],
  { cwd, env, onStart }: HearthOptions = {},
): Promise<HearthRun> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env } });
  onStart?.(child);
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { status, stdout, stderr };
}
