// What a PC would start from a boot partition that lies in a file: the entry that systemd-boot takes first,
// and whether all that it names is there. Read by mtools, and checked by fsck.fat, as neither is ours.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { BootSlot } from '../../../appliance/image/loader-entry.js';

const run = promisify(execFile);

export type BootChoice = {
  slot: BootSlot;
  /** hearth-b+2-1.conf */
  entry: string;
  /** of entry, kernel and initramfs, but for the entry's name */
  digest: string;
};

const ENTRIES = '/loader/entries';
/** Slot, and tries that are left; none are counted once it has answered. */
const ENTRY_NAME = /^hearth-([ab])(?:\+(\d+)(?:-\d+)?)?\.conf$/;
const MAX_FILE_BYTES = 1 << 28;

/** Null where nothing can start. */
export async function bootChoice(efi: string): Promise<BootChoice | null> {
  const entries = await Promise.all((await entriesIn(efi)).map((name) => readEntry(efi, name)));
  // One that cannot be read, or without a kernel, is none.
  const usable = entries.filter(({ files }) => files.length > 0);
  usable.sort((x, y) => Number(x.isUsedUp) - Number(y.isUsedUp) || y.version - x.version);
  const [first] = usable;
  if (!first) return null;
  const hash = createHash('sha256').update(first.text);
  for (const file of first.files) hash.update(await fileIn(efi, file).catch(() => 'none'));
  return { slot: first.slot, entry: first.name, digest: hash.digest('hex') };
}

async function entriesIn(efi: string): Promise<string[]> {
  const { stdout } = await run('mdir', ['-i', efi, '-b', `::${ENTRIES}`]);
  const names = stdout.split('\n').map((line) => line.slice(line.lastIndexOf('/') + 1).trim());
  return names.filter((name) => ENTRY_NAME.test(name));
}

async function readEntry(efi: string, name: string) {
  const [, slot, tries] = ENTRY_NAME.exec(name) as RegExpExecArray;
  // Removed and not removed: its name is there, and its text is free.
  const content = await fileIn(efi, `${ENTRIES}/${name}`).catch(() => Buffer.alloc(0));
  const text = content.toString('latin1');
  const field = (key: string) => new RegExp(`^${key} (.*)$`, 'm').exec(text)?.[1];
  const linux = field('linux');
  return {
    ...{ name, text, slot: slot as BootSlot, isUsedUp: tries === '0' },
    version: Number(field('version') ?? 0),
    files: linux === undefined ? [] : [linux, field('initrd') ?? ''],
  };
}

async function fileIn(efi: string, file: string): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer: MAX_FILE_BYTES } as const;
  return (await run('mtype', ['-i', efi, `::${file}`], options)).stdout;
}

/** What fsck.fat finds that may harm a file later; lost clusters and a flag of being mounted do not. */
export async function sharedClusters(efi: string): Promise<string> {
  const told = await run('fsck.fat', ['-n', efi]).catch((error: { stdout?: string }) => error);
  return /^.*(share|cross|bad|circular|loop).*$/im.exec(told.stdout ?? '')?.[0] ?? '';
}
