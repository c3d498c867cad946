// Whether the device keeps what is written to all of its size, and its old start and end wiped.
// A false card drops what lies beyond its real size or writes it over the start; marks at every power
// of two and at the end show both, as such cards ignore the upper bits of an address.
// Small differences within the real size are for reading everything back.
import { randomBytes } from 'node:crypto';
import { formatDisk } from '../../terminal/units.js';
import { alignedBuffer, type DeviceFile } from './device-file.js';
import { FlashError } from './flash-error.js';

/** Holds partition tables and boot code, and the end a second table. */
export const WIPED_BYTES = 1 << 20;
/** The largest sector there is. */
const MARK_BYTES = 4096;
/** Where no boot sector and no header of a partition table is, should the device go away now. */
const MARK_OFFSET = 8192;

/** Throws {@link FlashError} where the device does not keep what it is given. */
export async function wipeAndProbe(
  device: DeviceFile,
  signal: AbortSignal | undefined,
): Promise<void> {
  const zeros = alignedBuffer(Math.min(WIPED_BYTES, device.sizeBytes));
  // The start last: once it is gone, the old system is.
  const ends = [device.sizeBytes - zeros.length, 0];
  for (const offset of ends) await device.write(zeros, offset);
  await device.sync();
  signal?.throwIfAborted();
  const offsets = markOffsets(device.sizeBytes);
  const marks = new Map(offsets.map((offset) => [offset, randomBytes(MARK_BYTES)]));
  await writeMarks(device, marks);
  const lost = await findLost(device, marks);
  await writeMarks(device, new Map(offsets.map((offset) => [offset, Buffer.alloc(MARK_BYTES)])));
  if (lost !== null) throw falseSize(device, lost);
  const read = alignedBuffer(zeros.length);
  for (const offset of ends) {
    await device.read(read, offset);
    if (!read.equals(zeros)) throw falseSize(device, offset);
  }
}

/** The lowest offset first. */
function markOffsets(sizeBytes: number): number[] {
  const last = Math.floor(sizeBytes / MARK_BYTES) * MARK_BYTES - MARK_BYTES;
  const offsets = [MARK_OFFSET];
  for (let bytes = WIPED_BYTES; bytes + MARK_OFFSET < last; bytes *= 2)
    offsets.push(bytes + MARK_OFFSET);
  return [...new Set([...offsets, last])].filter((offset) => offset >= 0);
}

/** The highest offset first, so that what wraps around is overwritten by what belongs there. */
async function writeMarks(device: DeviceFile, marks: Map<number, Buffer>): Promise<void> {
  const buffer = alignedBuffer(MARK_BYTES);
  for (const [offset, mark] of [...marks].reverse()) {
    mark.copy(buffer);
    await device.write(buffer, offset);
  }
  await device.sync();
}

/** The lowest offset that is not kept; null where all are. */
async function findLost(device: DeviceFile, marks: Map<number, Buffer>): Promise<number | null> {
  const buffer = alignedBuffer(MARK_BYTES);
  for (const [offset, mark] of marks) {
    await device.read(buffer, offset);
    if (!buffer.equals(mark)) return offset;
  }
  return null;
}

function falseSize({ path, sizeBytes }: DeviceFile, lostBytes: number): FlashError {
  return new FlashError(
    'false-size',
    `${path} says that it holds ${formatDisk(sizeBytes)}, but does not keep what is written at ${formatDisk(lostBytes)}; it is false or worn out, use another`,
  );
}
