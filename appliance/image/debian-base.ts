// Debian without hearth: packages installed into an archive, and beside it what starts it.
// It takes minutes and is the same for every model, so it is kept in the cache for the day; packages
// are as new as their mirror's. Needs no root where user namespaces are allowed: mmdebstrap decides.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from '../payload/npm-package.js';
import type { SystemBuild } from './build.js';
import {
  DEBIAN_RELEASE,
  debianComponents,
  debianPackages,
  KEPT,
  leftOut,
  loaderPackages,
  type SystemFeatures,
} from './debian-packages.js';
import { runTool } from './debian-tools.js';
import { earlyFiles } from './early-files.js';
import type { ImageMachine } from './image-machine.js';

export type DebianBase = {
  /** root file system as .tar.zst */
  archive: string;
  kernel: string;
  initrd: string;
  loader: string;
  /** signed by Microsoft, for Debian's keys; it starts the loader, or null where the maker signs that */
  shim: string | null;
  /** of the one file that the maker then makes of kernel and initramfs, else null */
  stub: string | null;
  /** `name_version` of each package, sorted */
  packages: string[];
};

export type DebianOptions = SystemFeatures &
  Pick<SystemBuild, 'machine' | 'epoch' | 'signal'> & { mirror: string };

const ARCHIVE = 'base.tar.zst';
const BOOT_FOLDER = 'hearth-boot';
const KEPT_MS = 24 * 60 * 60 * 1000;
const HEARTH_UID = 900;

/** Rejects with ImageError where mmdebstrap fails. */
export async function debianBase(options: DebianOptions): Promise<DebianBase> {
  const { signal, epoch } = options;
  const cache = cacheFolder();
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(path.join(cache, '.debian-'));
  try {
    const args = await mmdebstrapArguments(options, temporary);
    const lasting = args.map((arg) => arg.replaceAll(temporary, ''));
    const key = createHash('sha256')
      .update(JSON.stringify([epoch, lasting, earlyFiles(options)]))
      .digest('hex');
    const folder = path.join(cache, `debian-${options.machine.architecture}-${key.slice(0, 16)}`);
    if (!existsSync(path.join(folder, ARCHIVE))) {
      await runTool('mmdebstrap', args, { env: { SOURCE_DATE_EPOCH: `${epoch}` }, signal });
      // Another build may have been quicker, and reads its base by now.
      await rename(temporary, folder).catch((error) => {
        if (!existsSync(path.join(folder, ARCHIVE))) throw error;
      });
      await removeOlder(cache, options.machine);
    }
    return await baseIn(folder, options);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Each is 150 MB, and out of date when its day is over. */
async function removeOlder(cache: string, { architecture }: ImageMachine): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(`debian-${architecture}-`)) continue;
    const folder = path.join(cache, name);
    const { mtimeMs } = await stat(folder);
    if (Date.now() - mtimeMs > KEPT_MS) await rm(folder, { recursive: true, force: true });
  }
}

async function baseIn(folder: string, { isSigned }: SystemFeatures): Promise<DebianBase> {
  const boot = path.join(folder, BOOT_FOLDER);
  return {
    archive: path.join(folder, ARCHIVE),
    kernel: path.join(boot, 'vmlinuz'),
    initrd: path.join(boot, 'initrd'),
    loader: path.join(boot, 'loader'),
    shim: isSigned ? null : path.join(boot, 'shim'),
    stub: isSigned ? path.join(boot, 'stub') : null,
    packages: packagesOf(await readFile(path.join(boot, 'status'), 'utf8')),
  };
}

async function mmdebstrapArguments(options: DebianOptions, folder: string): Promise<string[]> {
  const { machine, mirror } = options;
  const components = debianComponents(options);
  const security = `${mirror.replace(/\/$/, '')}-security`;
  return [
    '--variant=essential',
    `--architectures=${machine.architecture}`,
    `--include=${debianPackages(machine, options).join(',')}`,
    '--format=tar',
    '--aptopt=Acquire::Languages "none"',
    ...leftOut(options).map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    ...KEPT.map((pattern) => `--dpkgopt=path-include=${pattern}`),
    `--essential-hook=tar-in ${shellWord(await earlyArchive(folder, options))} /`,
    ...customizeHooks(machine, options).map((hook) => `--customize-hook=${hook}`),
    `--customize-hook=copy-out /${BOOT_FOLDER} ${shellWord(folder)}`,
    `--customize-hook=rm -rf "$1"/${BOOT_FOLDER}`,
    DEBIAN_RELEASE,
    path.join(folder, ARCHIVE),
    `deb ${mirror} ${DEBIAN_RELEASE} ${components}`,
    `deb ${mirror} ${DEBIAN_RELEASE}-updates ${components}`,
    `deb ${security} ${DEBIAN_RELEASE}-security ${components}`,
  ];
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What each image has of its own, and secrets of machines, must not be in what all of them share. */
function customizeHooks(machine: ImageMachine, features: SystemFeatures): string[] {
  const own = 'hostname hosts fstab resolv.conf localtime ssh/ssh_host_*';
  return [
    `chroot "$1" useradd --system --uid ${HEARTH_UID} --home-dir /var/lib/hearth --no-create-home --shell /usr/sbin/nologin hearth`,
    `mkdir "$1"/${BOOT_FOLDER}`,
    `cp "$1"/boot/vmlinuz-* "$1"/${BOOT_FOLDER}/vmlinuz`,
    `cp "$1"/boot/initrd.img-* "$1"/${BOOT_FOLDER}/initrd`,
    `cp "$1"/var/lib/dpkg/status "$1"/${BOOT_FOLDER}/status`,
    loaderHook(machine, features),
    'rm -rf "$1"/boot/* "$1"/vmlinuz* "$1"/initrd.img*',
    `cd "$1"/etc && rm -f ${own}`,
    // What hwdb.bin is made of.
    'rm -rf "$1"/usr/lib/udev/hwdb.d',
    'rm -rf "$1"/var/log/* "$1"/var/cache/* "$1"/etc/*-',
  ];
}

/** Files of packages that are not installed, which the list of packages names all the same. */
function loaderHook(machine: ImageMachine, features: SystemFeatures): string {
  const { shim, loader, unsigned } = machine;
  const boot = 'signed/usr/lib/systemd/boot/efi';
  const files = features.isSigned
    ? [`mv ${boot}/${unsigned.stub} stub`, `mv ${boot}/${unsigned.loader} loader`]
    : [`mv signed/usr/lib/shim/${shim.debian} shim`, `mv ${boot}/${loader.debian} loader`];
  return [
    `cd "$1"/${BOOT_FOLDER}`,
    `APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -qq download ${loaderPackages(machine, features).join(' ')}`,
    'for deb in *.deb; do dpkg-deb -x "$deb" signed; { echo; dpkg-deb -f "$deb" Package Version; echo Status: install ok installed; } >>status; rm "$deb"; done',
    ...files,
    'rm -r signed',
  ].join(' && ');
}

/** Files that must be there before the kernel is installed, which makes the initramfs. */
async function earlyArchive(folder: string, features: SystemFeatures): Promise<string> {
  const staging = path.join(folder, 'early');
  for (const { path: name, mode, text } of earlyFiles(features)) {
    await mkdir(path.join(staging, path.dirname(name)), { recursive: true });
    await writeFile(path.join(staging, name), text, { mode });
  }
  const archive = path.join(folder, 'early.tar');
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
  await runTool('tar', ['-C', staging, ...same, '--mode=u+rwX,go+rX', '-cf', archive, 'usr']);
  return archive;
}

function packagesOf(status: string): string[] {
  const field = (paragraph: string, name: string) =>
    new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1] ?? '';
  const installed = status.split('\n\n').filter((text) => /^Status: .* installed$/m.test(text));
  return installed.map((text) => `${field(text, 'Package')}_${field(text, 'Version')}`).sort();
}
