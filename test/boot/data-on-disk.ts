// The data partition of a disk that is off, without mounting it: the log as the next boot finds it.
// e2fsck replays the journal of a copy and debugfs reads and changes its files, so no root is needed.
// Also damages it, or a loader, on purpose.
import { execFile } from 'node:child_process';
import { copyFile, open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';

const run = promisify(execFile);

export type DiskPartition = { startBytes: number; sizeBytes: number };

export async function partitionOf(disk: string, wanted: string): Promise<DiskPartition> {
  const { stdout } = await run('sfdisk', ['--json', disk]);
  const { partitiontable } = JSON.parse(stdout) as {
    partitiontable: { partitions: { name: string; start: number; size: number }[] };
  };
  const found = partitiontable.partitions.find(({ name }) => name === wanted);
  if (!found) throw new Error(`${disk} has no partition ${wanted}`);
  return { startBytes: found.start * 512, sizeBytes: found.size * 512 };
}

/** A partition's bytes as a file, zeros as holes. */
export async function copyPartition(disk: string, name: string, copy: string): Promise<void> {
  const { startBytes, sizeBytes } = await partitionOf(disk, name);
  await rm(copy, { force: true });
  const range = [`skip=${startBytes}`, `count=${sizeBytes}`, 'iflag=skip_bytes,count_bytes'];
  await run('dd', [`if=${disk}`, `of=${copy}`, ...range, 'bs=1M', 'conv=sparse', 'status=none']);
}

const DATA = 'hearth-data';

export type LogOnDisk = { integrity: string; totalMs: number[] };

/** What a log that was cut off holds; files of its own go into `folder`. */
export async function logOnDisk(disk: string, folder: string): Promise<LogOnDisk> {
  const copy = await checkedCopy(disk, folder);
  const log = path.join(folder, 'log-copy.db');
  for (const suffix of ['', '-wal', '-shm']) await rm(`${log}${suffix}`, { force: true });
  for (const suffix of ['', '-wal'])
    await run('debugfs', ['-R', `dump /hearth/log.db${suffix} ${log}${suffix}`, copy]);
  const db = new Database(log);
  try {
    return {
      integrity: db.pragma('integrity_check', { simple: true }) as string,
      totalMs: db
        .prepare('SELECT total_ms FROM request WHERE is_probe = 0')
        .pluck()
        .all() as number[],
    };
  } finally {
    db.close();
  }
}

/** The file system in a file of its own, after e2fsck, which takes no part of a disk. */
async function checkedCopy(disk: string, folder: string): Promise<string> {
  const copy = path.join(folder, 'data-copy.ext4');
  await copyPartition(disk, DATA, copy);
  // Exit code 1: something was repaired, the journal for example.
  await run('e2fsck', ['-fy', copy]).catch((error: { code: number }) => {
    if (error.code !== 1) throw error;
  });
  return copy;
}

/** Overwrites every superblock and whatever lies in the first MiBs, beyond what e2fsck repairs. */
export async function destroyFileSystem(disk: string): Promise<void> {
  const { startBytes, sizeBytes } = await partitionOf(disk, DATA);
  await using file = await open(disk, 'r+');
  const noise = Buffer.alloc(1 << 20, 0xa5);
  for (let at = 0; at + noise.length <= sizeBytes; at += 32 << 20)
    await file.write(noise, 0, noise.length, startBytes + at);
  await file.sync();
}

/** Changes a byte in the middle of a program of the EFI partition, such as EFI/BOOT/BOOTX64.EFI. */
export async function changeProgram(disk: string, name: string, folder: string): Promise<void> {
  await changeEfiFile({ disk, name, folder }, (bytes) => {
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] as number) ^ 1;
    return bytes;
  });
}

type EfiFile = { disk: string; name: string; folder: string };

export async function changeEfiFile(
  { disk, name, folder }: EfiFile,
  change: (bytes: Buffer) => Buffer | string,
): Promise<void> {
  const copy = path.join(folder, path.basename(name));
  await run('mcopy', ['-n', '-o', '-i', await efiOf(disk), `::/${name}`, copy]);
  await writeEfiFile({ disk, name, folder }, change(await readFile(copy)));
}

/** In a folder that is there. */
export async function writeEfiFile({ disk, name, folder }: EfiFile, content: Buffer | string) {
  const copy = path.join(folder, path.basename(name));
  await writeFile(copy, content);
  await run('mcopy', ['-o', '-i', await efiOf(disk), copy, `::/${name}`]);
}

export async function makeEfiFolder(disk: string, name: string): Promise<void> {
  await run('mmd', ['-i', await efiOf(disk), `::/${name}`]);
}

/** As mtools take it. */
async function efiOf(disk: string): Promise<string> {
  const { startBytes } = await partitionOf(disk, 'hearth-efi');
  return `${disk}@@${startBytes}`;
}

/** Puts a program where the log's file was. */
export async function destroyLog(disk: string, folder: string): Promise<void> {
  const copy = await checkedCopy(disk, folder);
  const junk = path.join(folder, 'junk');
  await copyFile('/bin/true', junk);
  for (const command of [
    'rm /hearth/log.db',
    'rm /hearth/log.db-wal',
    'rm /hearth/log.db-shm',
    `write ${junk} /hearth/log.db`,
    'set_inode_field /hearth/log.db uid 900',
    'set_inode_field /hearth/log.db gid 900',
  ])
    await run('debugfs', ['-w', '-R', command, copy]);
  const { startBytes } = await partitionOf(disk, DATA);
  const place = [`seek=${startBytes}`, 'oflag=seek_bytes', 'conv=notrunc,fsync'];
  await run('dd', [`if=${copy}`, `of=${disk}`, ...place, 'bs=1M', 'status=none']);
}
