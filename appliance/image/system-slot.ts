// One system slot: Debian's archive and hearth's files together, as a read-only squashfs.
// From an archive, because only there files belong to root whoever builds.
import { createReadStream } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageBuild, StepOptions } from './build.js';
import { HEARTH_FOLDER, type SystemFile } from './config-files.js';
import { makeSquashfs, runTool } from './debian-tools.js';

export type SystemSlotOptions = StepOptions &
  Pick<ImageBuild, 'base' | 'hearth'> & { config: SystemFile[] };

/** zstd's: half way, as 15 takes ten times as long for 6 % less room. */
const COMPRESSION_LEVEL = '9';
/** What no archive says: mksquashfs would date it now and let everyone write to it. */
const ROOT_FOLDER = ['-root-mode', '0755', '-root-uid', '0', '-root-gid', '0'];
/** Paths below which files are programs, in root/. */
const PROGRAMS = /^usr\/(bin|lib\/hearth)\//;

/** Path of the squashfs. */
export async function systemSlot(options: SystemSlotOptions): Promise<string> {
  const { base, epoch, folder, signal } = options;
  const staging = path.join(folder, 'system');
  await stage(staging, options);
  const archive = path.join(folder, 'system.tar');
  await runTool('zstd', ['-d', '-q', '-f', base.archive, '-o', archive], { signal });
  const more = path.join(folder, 'more.tar');
  const owner = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${epoch}`];
  await runTool('tar', ['-C', staging, ...owner, '-cf', more, '.'], { signal });
  await runTool('tar', ['--concatenate', '-f', archive, more], { signal });
  const slot = path.join(folder, 'system.squashfs');
  const compressed = ['-comp', 'zstd', '-Xcompression-level', COMPRESSION_LEVEL];
  const words = ['-', slot, '-tar', ...compressed, ...ROOT_FOLDER];
  await makeSquashfs(words, epoch, { input: createReadStream(archive), signal });
  return slot;
}

async function stage(staging: string, { hearth, config }: SystemSlotOptions): Promise<void> {
  await stageStatic(staging);
  for (const { path: name, source, mode } of hearth.files) {
    const file = path.join(staging, HEARTH_FOLDER, name);
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(source, file);
    await chmod(file, mode);
  }
  for (const entry of config) await stageFile(staging, entry);
}

/** The files of root/, with modes that do not depend on how they got here. */
async function stageStatic(staging: string): Promise<void> {
  const root = fileURLToPath(new URL('root/', import.meta.url));
  await cp(root, staging, { recursive: true });
  for (const entry of await readdir(staging, { recursive: true })) {
    const file = path.join(staging, entry);
    const isProgram = (await stat(file)).isDirectory() || PROGRAMS.test(entry);
    await chmod(file, isProgram ? 0o755 : 0o644);
  }
}

async function stageFile(staging: string, entry: SystemFile): Promise<void> {
  const file = path.join(staging, entry.path);
  await mkdir(entry.kind === 'folder' ? file : path.dirname(file), { recursive: true });
  if (entry.kind === 'link') await symlink(entry.target, file);
  if (entry.kind !== 'file') return;
  await writeFile(file, entry.text);
  await chmod(file, entry.mode);
}
