// The Debian programs that build an image: which are needed, which are missing, and running one.
// All of them are asked for before anything is built, in one message with the command that helps.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ImageError, type ImageMachine } from './image-machine.js';

/** A program, or the path of a file, and the Debian package that has it. */
export type DebianTool = [program: string, debianPackage: string];

const TOOLS: DebianTool[] = [
  ['mmdebstrap', 'mmdebstrap'],
  ['mksquashfs', 'squashfs-tools'],
  ['veritysetup', 'cryptsetup-bin'],
  ['sfdisk', 'fdisk'],
  ['mkfs.vfat', 'dosfstools'],
  ['mcopy', 'mtools'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['tar', 'tar'],
  ['zstd', 'zstd'],
];

/** Debian keeps some of them where only root's PATH leads. */
const MORE_FOLDERS = ['/usr/sbin', '/sbin'];

type IsThere = (file: string) => Promise<boolean>;
const isThere: IsThere = async (file) => existsSync(file);

/** Rejects with {@link ImageError} that names all missing packages at once. */
export async function checkTools(
  machine: ImageMachine,
  more: readonly DebianTool[] = [],
  isFile?: IsThere,
): Promise<void> {
  const missing = await missingPackages(machine, more, isFile);
  if (missing.length === 0) return;
  throw new ImageError(
    `an image is built with Debian's tools, and some are missing; run apt-get install --no-install-recommends ${missing.join(' ')}`,
  );
}

/** Rejects with {@link ImageError} that begins with `purpose` where one of these is missing. */
export async function checkPrograms(programs: readonly DebianTool[], purpose: string) {
  const missing = new Set<string>();
  for (const [program, debianPackage] of programs)
    if (!(await isInPath(program, isThere))) missing.add(debianPackage);
  if (missing.size === 0) return;
  throw new ImageError(
    `${purpose}; run apt-get install --no-install-recommends ${[...missing].join(' ')}`,
  );
}

/** The Debian packages that are missing to build an image for `machine`, and to run `more`. */
export async function missingPackages(
  machine: ImageMachine,
  more: readonly DebianTool[] = [],
  isFile: IsThere = isThere,
): Promise<string[]> {
  const missing = new Set<string>();
  for (const [program, debianPackage] of [...TOOLS, ...compilers(machine), ...more])
    if (!(await isInPath(program, isFile))) missing.add(debianPackage);
  const emulator = `/proc/sys/fs/binfmt_misc/qemu-${machine.emulator}`;
  if (needsEmulator(machine) && !(await isFile(emulator)))
    for (const debianPackage of ['qemu-user-static', 'binfmt-support']) missing.add(debianPackage);
  return [...missing];
}

/** For another processor better-sqlite3 is built. */
function compilers(machine: ImageMachine): DebianTool[] {
  if (!needsEmulator(machine)) return [];
  const prefix = `${machine.emulator}-linux-gnu`;
  return [
    [`${prefix}-g++`, `g++-${prefix.replace('_', '-')}`],
    ['make', 'make'],
    ['python3', 'python3'],
  ];
}

function needsEmulator({ architecture }: ImageMachine): boolean {
  return architecture !== (process.arch === 'x64' ? 'amd64' : process.arch);
}

async function isInPath(program: string, isFile: IsThere) {
  if (path.isAbsolute(program)) return await isFile(program);
  const found = folders().map((folder) => isFile(path.join(folder, program)));
  return (await Promise.all(found)).includes(true);
}

function folders(): string[] {
  return [...(process.env.PATH ?? '').split(':').filter(Boolean), ...MORE_FOLDERS];
}

export type ToolOptions = {
  /** more variables of its environment */
  env?: Record<string, string>;
  /** what it reads from stdin; nothing unless given */
  input?: string | Readable;
  /** an open file that it finds as /dev/fd/3 */
  file?: number;
  signal?: AbortSignal | undefined;
};

/** Its stdout. Rejects with {@link ImageError} that has the last of its words when it fails. */
export async function runTool(
  program: string,
  args: string[],
  { env, input, file, signal }: ToolOptions = {},
): Promise<string> {
  // Each is told its own way how to date files; two ways at once are an error to some.
  const { SOURCE_DATE_EPOCH: _, ...ours } = process.env;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe', ...(file === undefined ? [] : [file])],
    // Messages in English and times in UTC, whoever runs it: the same inputs, the same image.
    env: { ...ours, PATH: folders().join(':'), LC_ALL: 'C', TZ: 'UTC', ...env },
    ...(signal && { signal }),
  });
  const [stdout, stderr] = [
    lastOf(child.stdout as Readable, 1 << 24),
    lastOf(child.stderr as Readable, 1 << 14),
  ];
  const ended = new Promise<number | null>((resolve, reject) => {
    // A program that is being ended still writes; where it goes on, its folder cannot be removed.
    child.once('error', (error) => signal?.aborted || reject(error)).once('close', resolve);
  });
  const fed = feed(child.stdin as NonNullable<typeof child.stdin>, input);
  const [code] = await Promise.all([ended, fed]);
  signal?.throwIfAborted();
  if (code === 0) return stdout();
  const words = stderr().trim().split('\n').slice(-3).join('; ');
  throw new ImageError(
    `${program} failed (${code === null ? 'it was ended' : `exit code ${code}`}): ${words}`,
  );
}

/** Of `words`, which name its input and output, with all files dated at `epoch`. */
export async function makeSquashfs(words: string[], epoch: number, options: ToolOptions) {
  // Of all files: only the root folder's, as -root-time would set it, stays at now for an archive.
  const times = ['-mkfs-time', `${epoch}`, '-all-time', `${epoch}`];
  const quiet = ['-noappend', '-no-progress', '-quiet'];
  await runTool('mksquashfs', [...words, ...quiet, ...times], options);
}

/** A file of zeros for a file system. */
export async function makeEmpty(file: string, sizeBytes: number): Promise<void> {
  await writeFile(file, '');
  await truncate(file, sizeBytes);
}

/** What has come of the stream, at most the last `limit` characters. */
function lastOf(stream: Readable, limit: number): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-limit);
  });
  return () => text;
}

/** A program that ends before it has read all of it says why by its exit code. */
async function feed(stdin: NodeJS.WritableStream, input: string | Readable = ''): Promise<void> {
  try {
    await pipeline(typeof input === 'string' ? [input] : input, stdin);
  } catch (error) {
    if (!/EPIPE|ERR_STREAM_PREMATURE_CLOSE/.test((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
  }
}
