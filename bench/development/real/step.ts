// What the bench makes before it measures: files, each by one hearth command, and what that command reads.
// They lie in one folder, where a file is made once, so that a run that was stopped goes on from there.
// Commands run in that folder and name its files without it: a row tells them as they ran.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { clearProgressLine, showProgressLine } from '../../../terminal/print.js';

/** What a user gave is told by its name alone. */
export type Word = string | { given: string };

export type Step = {
  /** Its name in the folder. */
  file: string;
  /** Behind `hearth`, without the output. */
  words: readonly Word[];
  /** Made before. */
  needs: readonly Step[];
};

export type StepSetting = {
  folder: string;
  /** Of the commands: they decide how long it takes, not what is made, and no row tells them. */
  threads: number | undefined;
  signal: AbortSignal;
  onNote: (text: string) => void;
};

const CLI = path.resolve(import.meta.dirname, '../../../cli.js');

/** The commands that make a file, those that it needs first. */
export function commandsOf({ file, words, needs }: Step): string[] {
  const told = words.map((word) => (typeof word === 'string' ? word : path.basename(word.given)));
  const own = ['hearth', ...told, '-o', file].map(quoted).join(' ');
  return [...new Set([...needs.flatMap(commandsOf), own])];
}

function quoted(word: string): string {
  return /^[\w.,:=/+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Makes what is not there, or was made by another command; the file's path. Throws where one fails. */
export async function make(step: Step, options: StepSetting): Promise<string> {
  const output = path.join(options.folder, step.file);
  const record = `${output}.command`;
  const commands = JSON.stringify(wholeCommands(step));
  if ((await isFile(output)) && (await readFile(record, 'utf8').catch(() => '')) === commands)
    return output;
  for (const needed of step.needs) await make(needed, options);
  options.signal.throwIfAborted();
  options.onNote(`making ${step.file}`);
  await rm(record, { force: true });
  await run(step, options);
  await writeFile(record, commands);
  return output;
}

/** With the folders of what was given: another model of the same name is another. */
function wholeCommands({ file, words, needs }: Step): unknown {
  return [file, words, needs.map(wholeCommands)];
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isFile() ?? false;
}

const LAST_LINES = 5;

async function run({ file, words }: Step, { folder, threads, signal }: StepSetting): Promise<void> {
  const given = words.map((word) => (typeof word === 'string' ? word : path.resolve(word.given)));
  const how = ['--force', ...(threads === undefined ? [] : ['--threads', String(threads)])];
  const child = spawn(process.execPath, [CLI, ...given, '-o', file, ...how], {
    ...{ cwd: folder, signal },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  const lines: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    lines.push(line);
    showProgressLine(`${file}: ${line}`);
  }
  const [exitCode, signalName] = await ended;
  clearProgressLine();
  if (exitCode === 0) return;
  const last = lines.slice(-LAST_LINES).join('\n');
  throw new Error(`${file} could not be made (${exitCode ?? signalName}):\n${last}`);
}
