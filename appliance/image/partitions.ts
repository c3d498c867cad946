// Where everything lies on the disk: EFI, two system slots, the model, the data at the end to grow.
// Sizes follow from what is in them, so the layout is made last; sfdisk writes it as the table.
import { createHash } from 'node:crypto';
import type { ByteRange } from '../block-map.js';

/** Partitions begin at whole MiB, as flash and 4K disks like it. */
export const ALIGN_BYTES = 1 << 20;
const SECTOR_BYTES = 512;
/** Room that an updated system may grow into: 1/SLOT_SPARE of its size. */
const SLOT_SPARE = 5;
/** Enough for a log until the partition has grown; with 4 MiB of journal. */
export const DATA_BYTES = 64 * ALIGN_BYTES;

export const PARTITION_TYPES = {
  efi: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
} as const;

export const PARTITION_NAMES = ['efi', 'system-a', 'system-b', 'model', 'data'] as const;
export type PartitionName = (typeof PARTITION_NAMES)[number];

export type Partition = {
  name: PartitionName;
  type: string;
  uuid: string;
  startBytes: number;
  sizeBytes: number;
};

export type DiskLayout = { diskUuid: string; sizeBytes: number; partitions: Partition[] };

/** What is in the partitions, without room to spare. */
export type ContentBytes = { efi: number; system: number; model: number };

/** `uuidOf` gives the same UUID for the same name. */
export function diskLayout(content: ContentBytes, uuidOf: (name: string) => string): DiskLayout {
  const slot = aligned(content.system + content.system / SLOT_SPARE);
  const sizes: Record<PartitionName, number> = {
    efi: aligned(content.efi),
    'system-a': slot,
    'system-b': slot,
    model: aligned(content.model),
    data: DATA_BYTES,
  };
  const partitions: Partition[] = [];
  let startBytes = ALIGN_BYTES;
  for (const name of PARTITION_NAMES) {
    const type = PARTITION_TYPES[name === 'efi' ? 'efi' : 'linux'];
    partitions.push({ name, type, uuid: uuidOf(name), startBytes, sizeBytes: sizes[name] });
    startBytes += sizes[name];
  }
  // The table's copy takes the last 33 sectors.
  return { diskUuid: uuidOf('disk'), sizeBytes: startBytes + ALIGN_BYTES, partitions };
}

/**
 * A maker of UUIDs that follow from what an image is made of: the same inputs give the same disk, and two
 * different images can be in one machine. In the form of random ones (version 4).
 */
export function uuidsFrom(seed: string): (name: string) => string {
  return (name) => {
    const bytes = createHash('sha256').update(`${seed}\0${name}`).digest().subarray(0, 16);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = bytes.toString('hex');
    return [0, 8, 12, 16, 20].map((at, i, all) => hex.slice(at, all[i + 1])).join('-');
  };
}

export function aligned(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / ALIGN_BYTES)) * ALIGN_BYTES;
}

/** What `sfdisk` reads from stdin. */
export function partitionTable({ diskUuid, partitions }: DiskLayout): string {
  const lines = partitions.map(({ name, type, uuid, startBytes, sizeBytes }) =>
    [
      `start=${startBytes / SECTOR_BYTES}`,
      `size=${sizeBytes / SECTOR_BYTES}`,
      `type=${type}`,
      `uuid=${uuid}`,
      `name="hearth-${name}"`,
    ].join(', '),
  );
  return `label: gpt\nlabel-id: ${diskUuid}\nunit: sectors\n\n${lines.join('\n')}\n`;
}

export function partitionNamed({ partitions }: DiskLayout, wanted: PartitionName): Partition {
  return partitions.find(({ name }) => name === wanted) as Partition;
}

/**
 * What nothing reads before it is written: behind the contents of squashfs partitions, and between
 * the table and the first partition. A file system counts on the zeros within itself.
 */
export function freeRanges(layout: DiskLayout, content: ContentBytes): ByteRange[] {
  const behind = (name: PartitionName, used: number) => {
    const { startBytes, sizeBytes } = partitionNamed(layout, name);
    return { startBytes: startBytes + used, endBytes: startBytes + sizeBytes };
  };
  return [
    behind('system-a', content.system),
    behind('system-b', content.system),
    behind('model', content.model),
  ];
}
