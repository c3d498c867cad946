// Where everything lies on the disk: EFI, settings, two systems, two models, the data at the end to grow.
// Sizes follow from what is in them, so the layout is made last; sfdisk writes it as the table.
import { createHash } from 'node:crypto';
import { roundUp } from '../../model/round-up.js';
import type { ByteRange } from '../block-map.js';

/** Partitions begin at whole MiB, as flash and 4K disks like it. */
export const ALIGN_BYTES = 1 << 20;
const SECTOR_BYTES = 512;
/** Room that an updated system may grow into: 1/SLOT_SPARE of its size. */
const SLOT_SPARE = 5;
/** And for the next model: another template, a few more tensors of a larger type. */
const MODEL_SPARE = 20;
/** Enough for a log until the partition has grown; with 4 MiB of journal. */
export const DATA_BYTES = 64 * ALIGN_BYTES;

const PARTITION_TYPES = {
  efi: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
} as const;

export const PARTITION_NAMES = [
  'efi',
  'settings',
  'system-a',
  'system-b',
  'model-a',
  'model-b',
  'data',
] as const;
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
export type ContentBytes = { efi: number; settings: number; system: number; model: number };

export type DiskLayoutOptions = {
  content: ContentBytes;
  /** gives the same UUID for the same name */
  uuidOf: (name: string) => string;
  /** without updates there is one model, and room for no other */
  hasUpdates: boolean;
};

export function diskLayout({ content, uuidOf, hasUpdates }: DiskLayoutOptions): DiskLayout {
  const slot = aligned(content.system + content.system / SLOT_SPARE);
  const model = aligned(content.model + (hasUpdates ? content.model / MODEL_SPARE : 0));
  const sizes: Record<PartitionName, number> = {
    efi: aligned(content.efi),
    settings: aligned(content.settings),
    'system-a': slot,
    'system-b': slot,
    'model-a': model,
    'model-b': hasUpdates ? model : 0,
    data: DATA_BYTES,
  };
  const partitions: Partition[] = [];
  let startBytes = ALIGN_BYTES;
  for (const name of PARTITION_NAMES) {
    if (sizes[name] === 0) continue;
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
  return Math.max(ALIGN_BYTES, roundUp(bytes, ALIGN_BYTES));
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
  const used: Partial<Record<PartitionName, number>> = {
    settings: content.settings,
    ...{ 'system-a': content.system, 'system-b': content.system },
    ...{ 'model-a': content.model, 'model-b': 0 },
  };
  return layout.partitions.flatMap(({ name, startBytes, sizeBytes }) => {
    const usedBytes = used[name];
    if (usedBytes === undefined) return [];
    return { startBytes: startBytes + usedBytes, endBytes: startBytes + sizeBytes };
  });
}
