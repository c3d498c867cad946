// All that a machine told its disk to write, one after the other: each prefix of it is what a power cut may
// leave, and so is one that lacks some of what was not flushed. One machine run once gives them all.
// QEMU's blklogwrites records them in the format of Linux's dm-log-writes.
import { type FileHandle, open } from 'node:fs/promises';

export type RecordedWrite = {
  /** everything before it is on the disk, and nothing of it is data */
  isFlush: boolean;
  /** on the disk */
  startBytes: number;
  endBytes: number;
  /** of its data in the record */
  dataAt: number;
};

const SECTOR_BYTES = 512;
/** Sector, sectors, flags and length of a comment, 64 bits each, in a sector of its own. */
const HEADER_BYTES = 32;
const FLUSH_FLAG = 1n;
const MAGIC = 0x6a736677736872n;

/** In the order in which they came. */
export async function readWrites(file: string): Promise<RecordedWrite[]> {
  await using record = await open(file);
  const { size } = await record.stat();
  const header = Buffer.alloc(HEADER_BYTES);
  await record.read(header, 0, HEADER_BYTES, 0);
  if (header.readBigUInt64LE(0) !== MAGIC) throw new Error(`${file} is no record of writes`);
  const writes: RecordedWrite[] = [];
  // The first sector is about the record.
  for (let at = SECTOR_BYTES; at + SECTOR_BYTES <= size; ) {
    await record.read(header, 0, HEADER_BYTES, at);
    const [sector, sectors, flags] = [0, 8, 16].map((from) => header.readBigUInt64LE(from));
    const sizeBytes = Number(sectors) * SECTOR_BYTES;
    const dataAt = at + SECTOR_BYTES;
    at = dataAt + sizeBytes;
    // The end of a machine without power: what it had begun to record.
    if (at > size || (sectors === 0n && flags === 0n)) break;
    const startBytes = Number(sector) * SECTOR_BYTES;
    const isFlush = ((flags as bigint) & FLUSH_FLAG) !== 0n;
    writes.push({ isFlush, startBytes, endBytes: startBytes + sizeBytes, dataAt });
  }
  return writes;
}

/** What of a write falls into the range goes to where it lies in `target`, which begins where that does. */
export async function applyWrite(
  { startBytes, endBytes, dataAt }: RecordedWrite,
  record: FileHandle,
  target: FileHandle,
  range: { startBytes: number; endBytes: number },
): Promise<void> {
  const from = Math.max(startBytes, range.startBytes);
  const to = Math.min(endBytes, range.endBytes);
  if (to <= from) return;
  const data = Buffer.alloc(to - from);
  await record.read(data, 0, data.length, dataAt + from - startBytes);
  await target.write(data, 0, data.length, from - range.startBytes);
}

export function touches(
  { startBytes, endBytes }: RecordedWrite,
  range: { startBytes: number; endBytes: number },
): boolean {
  return startBytes < range.endBytes && range.startBytes < endBytes;
}
