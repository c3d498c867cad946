// The disk image: the partition table by sfdisk, and each partition's bytes in their place.
// Runs of zeros stay holes in the file, so an image takes the room of what is in it.
import { type FileHandle, open } from 'node:fs/promises';
import { runTool } from './debian-tools.js';
import {
  type DiskLayout,
  type PartitionName,
  partitionNamed,
  partitionTable,
} from './partitions.js';

const CHUNK_BYTES = 1 << 20;

/** Fills `disk`, which is as long as the layout says and all zeros. */
export async function writeDisk(
  disk: FileHandle,
  layout: DiskLayout,
  contents: Record<PartitionName, string>,
  signal?: AbortSignal,
): Promise<void> {
  const table = ['--quiet', '--no-reread', '--no-tell-kernel', '/dev/fd/3'];
  await runTool('sfdisk', table, { input: partitionTable(layout), file: disk.fd, signal });
  for (const [name, file] of Object.entries(contents) as [PartitionName, string][])
    await copyInto(disk, partitionNamed(layout, name).startBytes, file, signal);
}

async function copyInto(
  disk: FileHandle,
  startBytes: number,
  file: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await using source = await open(file);
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const zeros = Buffer.alloc(CHUNK_BYTES);
  for (let position = startBytes; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await source.read(chunk, 0, CHUNK_BYTES);
    if (bytesRead === 0) return;
    const bytes = chunk.subarray(0, bytesRead);
    if (!bytes.equals(zeros.subarray(0, bytesRead)))
      await disk.write(bytes, 0, bytesRead, position);
    position += bytesRead;
  }
}
