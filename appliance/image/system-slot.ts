// One system slot: Debian's archive and hearth's files together, as a read-only squashfs.
// With the kernel in it, so that an update of the system brings its own; behind it where the maker signs it.
// From an archive, because only there files belong to root whoever builds, and because a squashfs has its
// files in the archive's order: what a release changes comes last, as all that lies behind a file that got
// longer is moved by less than a block, and a device has to fetch it again.
import { createReadStream } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PayloadFile } from '../payload/payload.js';
import type { SystemBuild } from './build.js';
import { configFiles, HEARTH_FOLDER } from './config-files.js';
import { makeSquashfs, runTool } from './debian-tools.js';
import { imageUnit } from './image-unit.js';
import { compatibleOf } from './rauc-config.js';
import { signedKernel } from './signed-kernel.js';
import { writeSystemFiles } from './system-file.js';
import { addKernel, addVerity, readVerity } from './verity.js';

/** zstd's: half way, as 15 takes ten times as long for 6 % less room. */
const COMPRESSION_LEVEL = '9';
/** What no archive says: mksquashfs would date it now and let everyone write to it. */
const ROOT_FOLDER = ['-root-mode', '0755', '-root-uid', '0', '-root-gid', '0'];
/** Paths below which files are programs, in root/. */
const PROGRAMS = /^usr\/(bin|lib\/hearth)\//;

/** Paths: a squashfs with its hashes behind it, and the signed kernel that is there, too, else null. */
export type SystemSlot = { path: string; kernel: string | null };

export async function systemSlot(options: SystemBuild): Promise<SystemSlot> {
  const { base, epoch, folder, bootSigner, signal } = options;
  const archive = path.join(folder, 'system.tar');
  await runTool('zstd', ['-d', '-q', '-f', base.archive, '-o', archive], { signal });
  const owner = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${epoch}`];
  for (const [index, stage] of [stageDependencies, stageHearth].entries()) {
    const staging = path.join(folder, `system-${index}`);
    await stage(staging, options);
    const more = `${staging}.tar`;
    await runTool('tar', ['-C', staging, ...owner, '-cf', more, '.'], { signal });
    await runTool('tar', ['--concatenate', '-f', archive, more], { signal });
  }
  const slot = path.join(folder, 'system.squashfs');
  const compressed = ['-comp', 'zstd', '-Xcompression-level', COMPRESSION_LEVEL];
  const words = ['-', slot, '-tar', ...compressed, ...ROOT_FOLDER];
  await makeSquashfs(words, epoch, { input: createReadStream(archive), signal });
  await addVerity(slot, signal);
  if (bootSigner === null) return { path: slot, kernel: null };
  const kernel = await signedKernel({ ...options, bootSigner, verity: await readVerity(slot) });
  await addKernel(slot, kernel);
  return { path: slot, kernel };
}

/** The kernel, its initramfs, Node, and the packages that hearth depends on. */
async function stageDependencies(staging: string, build: SystemBuild): Promise<void> {
  const { hearth, base, bootSigner } = build;
  const bootFiles = path.join(staging, 'usr/lib/hearth/boot-files');
  const kernel = { vmlinuz: base.kernel, initrd: base.initrd };
  for (const [name, source] of Object.entries(bootSigner === null ? kernel : {}))
    await stageFile(path.join(bootFiles, name), { source, mode: 0o644 });
  await stagePayload(staging, hearth.files.filter(isDependency));
}

async function stageHearth(staging: string, build: SystemBuild): Promise<void> {
  const { hearth, target, hasWifi, bootSigner } = build;
  const isSigned = bootSigner !== null;
  await stageStatic(staging);
  await stagePayload(
    staging,
    hearth.files.filter((file) => !isDependency(file)),
  );
  const compatible = compatibleOf(target, { hasWifi, isSigned });
  const config = { ...build, isSigned, compatible, unit: imageUnit() };
  await writeSystemFiles(staging, configFiles(config));
}

function isDependency({ path: name }: PayloadFile): boolean {
  return /^(bin|node_modules)\//.test(name);
}

async function stagePayload(staging: string, files: readonly PayloadFile[]): Promise<void> {
  for (const file of files) await stageFile(path.join(staging, HEARTH_FOLDER, file.path), file);
}

async function stageFile(file: string, { source, mode }: Pick<PayloadFile, 'source' | 'mode'>) {
  await mkdir(path.dirname(file), { recursive: true });
  await copyFile(source, file);
  await chmod(file, mode);
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
