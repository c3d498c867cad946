// Whether the device keeps what is written to all of its size, and its old start and end wiped.
// A false card drops what lies beyond its real size or writes it over the start; marks at every power
// of two and at the end show both, as such cards ignore the upper bits of an address.
// Small differences within the real size are for reading everything back.
import { randomBytes } from 'node:crypto';
import { formatDisk } from '../../units.js';
import { alignedBuffer } from './aligned-buffer.js';
import type { DeviceFile } from './device-file.js';
import { FlashError } from './flash-error.js';

/** Holds partition tables and boot code, and the end a second table. */
export const WIPED_BYTES = 1 << 20;
/** The largest sector there is. */
const MARK_BYTES = 4096;

/** Throws {@link FlashError} where the device does not keep what it is given. */
export async function wipeAndProbe(device: DeviceFile, signal: AbortSignal): Promise<void> {
  const offsets = markOffsets(device.sizeBytes);
  const marks = offsets.map(() => randomBytes(MARK_BYTES));
  const buffer = alignedBuffer(MARK_BYTES);
  for (const [i, offset] of offsets.entries()) {
    signal.throwIfAborted();
    marks[i]?.copy(buffer);
    await device.write(buffer, offset);
  }
  await device.sync();
  const lost = await findLost(device, { offsets, marks, buffer });
  buffer.fill(0);
  for (const offset of offsets) await device.write(buffer, offset);
  if (lost !== null) throw falseSize(device, lost);
  await wipeEnds(device);
}

/** The lowest offset first; all of whole sectors. */
export function markOffsets(sizeBytes: number): number[] {
  const end = Math.floor((sizeBytes - WIPED_BYTES) / MARK_BYTES) * MARK_BYTES;
  const offsets = new Set([0, Math.max(0, end)]);
  for (let offset = WIPED_BYTES; offset + MARK_BYTES <= sizeBytes; offset *= 2) offsets.add(offset);
  return [...offsets].sort((a, b) => a - b);
}

type Marks = { offsets: number[]; marks: Buffer[]; buffer: Buffer };

/** Offset of the first mark that is not read back as written, beside the start; else null. */
async function findLost(
  device: DeviceFile,
  { offsets, marks, buffer }: Marks,
): Promise<number | null> {
  const wrong: number[] = [];
  for (const [i, offset] of offsets.entries()) {
    await device.read(buffer, offset);
    if (marks[i] && !buffer.equals(marks[i])) wrong.push(offset);
    // What was written further up has landed here: this is where the real size ends.
    const landed = marks.findIndex((mark, j) => j > i && buffer.equals(mark));
    if (landed >= 0) wrong.push(offsets[landed] ?? offset);
  }
  const beyond = wrong.filter((offset) => offset > 0);
  return wrong.length === 0 ? null : Math.min(...beyond, device.sizeBytes);
}

async function wipeEnds(device: DeviceFile): Promise<void> {
  const sizeBytes = Math.min(WIPED_BYTES, device.sizeBytes);
  const [zeros, read] = [alignedBuffer(sizeBytes), alignedBuffer(sizeBytes)];
  const ends = [device.sizeBytes - sizeBytes, 0];
  for (const offset of ends) await device.write(zeros, offset);
  await device.sync();
  for (const offset of ends) {
    await device.read(read, offset);
    if (!read.equals(zeros)) throw falseSize(device, offset);
  }
}

function falseSize({ path, sizeBytes }: DeviceFile, keptBytes: number): FlashError {
  return new FlashError(
    'false-size',
    `${path} says that it holds ${formatDisk(sizeBytes)}, but does not keep what is written from ${formatDisk(keptBytes)} on; it is false or worn out, use another`,
  );
}
