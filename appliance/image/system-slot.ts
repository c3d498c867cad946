// One system slot: Debian's archive and hearth's files together, as a read-only squashfs.
// With the kernel in it, so that an update of the system brings its own.
// From an archive, because only there files belong to root whoever builds.
import { createReadStream } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SystemBuild } from './build.js';
import { configFiles, HEARTH_FOLDER } from './config-files.js';
import { makeSquashfs, runTool } from './debian-tools.js';
import { imageUnit } from './image-unit.js';
import { compatibleOf } from './rauc-config.js';
import { writeSystemFiles } from './system-file.js';
import { addVerity } from './verity.js';

/** zstd's: half way, as 15 takes ten times as long for 6 % less room. */
const COMPRESSION_LEVEL = '9';
/** What no archive says: mksquashfs would date it now and let everyone write to it. */
const ROOT_FOLDER = ['-root-mode', '0755', '-root-uid', '0', '-root-gid', '0'];
/** Paths below which files are programs, in root/. */
const PROGRAMS = /^usr\/(bin|lib\/hearth)\//;

/** Path of the squashfs, with its hashes behind it. */
export async function systemSlot(options: SystemBuild): Promise<string> {
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
  await addVerity(slot, signal);
  return slot;
}

async function stage(staging: string, build: SystemBuild): Promise<void> {
  const { hearth, base, target, hasWifi } = build;
  await stageStatic(staging);
  const bootFiles = path.join(staging, 'usr/lib/hearth/boot-files');
  await mkdir(bootFiles);
  for (const name of ['kernel', 'initrd'] as const) {
    const file = path.join(bootFiles, name === 'kernel' ? 'vmlinuz' : name);
    await copyFile(base[name], file);
    await chmod(file, 0o644);
  }
  for (const { path: name, source, mode } of hearth.files) {
    const file = path.join(staging, HEARTH_FOLDER, name);
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(source, file);
    await chmod(file, mode);
  }
  const config = { ...build, compatible: compatibleOf(target, { hasWifi }), unit: imageUnit() };
  await writeSystemFiles(staging, configFiles(config));
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
