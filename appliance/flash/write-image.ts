// Writes an image and reads it back. Its first MiB is kept for the end, after all else was read back:
// until then the disk has no partition table, so that half an image never boots.
// Reading and hashing overlap with the device, two chunks in turn.
import { formatDisk } from '../../terminal/units.js';
import { openPackedFile } from '../packed-file.js';
import { WIPED_BYTES } from './capacity.js';
import { CHUNK_BYTES, type CheckedImage } from './checked-image.js';
import { alignedBuffer, type DeviceFile } from './device-file.js';
import { badImage, FlashError } from './flash-error.js';
import { type HashedSpan, type SpanData, SpanHashes } from './spans.js';

export type WriteContext = {
  image: CheckedImage;
  device: DeviceFile;
  signal: AbortSignal | undefined;
  onBytes(bytesDone: number): void;
};

/**
 * Writes and flushes all but the start, the image's first MiB, which it returns, as long as a whole number
 * of sectors. Throws {@link FlashError}.
 */
export async function writeAllButStart(context: WriteContext): Promise<Buffer> {
  const { image, device, signal, onBytes } = context;
  const start = alignedBuffer(WIPED_BYTES);
  const chunks = [alignedBuffer(CHUNK_BYTES), alignedBuffer(CHUNK_BYTES)] as const;
  const hashes = new SpanHashes(image.spans);
  const reader = await openPackedFile(image.path, badImage);
  let writing: Promise<unknown> = Promise.resolve();
  try {
    let bytesDone = 0;
    let compared = 0;
    for (let turn = 0, length = CHUNK_BYTES; length === CHUNK_BYTES; turn++) {
      const chunk = chunks[(turn % 2) as 0 | 1];
      length = await reader.read(chunk);
      const parts = hashes.update(chunk.subarray(0, length));
      for (; compared < hashes.done.length; compared++)
        if (hashes.done[compared]?.sha256 !== image.spans[compared]?.sha256) throw changed(image);
      await writing;
      signal?.throwIfAborted();
      onBytes(bytesDone);
      bytesDone += parts.reduce((sum, { data }) => sum + data.length, 0);
      writing = writeParts(device, parts, start);
      // Awaited in the next turn; until then nobody listens.
      writing.catch(() => {});
    }
    await writing;
    onBytes(bytesDone);
    if (compared < image.spans.length) throw changed(image);
  } finally {
    await writing.catch(() => {});
    await reader.close();
  }
  await device.sync();
  return start;
}

/**
 * Reads back all that was written, the start as zeros. Throws {@link FlashError} with the place that
 * differs.
 */
export async function readBack(
  { image, device, signal, onBytes }: WriteContext,
  start: Buffer,
): Promise<void> {
  const chunks = [alignedBuffer(CHUNK_BYTES), alignedBuffer(CHUNK_BYTES)] as const;
  let bytesDone = 0;
  for (const span of image.spans) {
    const hashes = new SpanHashes([{ startBytes: 0, endBytes: span.endBytes - span.startBytes }]);
    let reading = readChunk(device, span, span.startBytes, chunks[0]);
    for (let turn = 1; ; turn++) {
      const { data, startBytes } = await reading;
      const next = startBytes + data.length;
      if (next < span.endBytes) {
        reading = readChunk(device, span, next, chunks[(turn % 2) as 0 | 1]);
        reading.catch(() => {});
      }
      signal?.throwIfAborted();
      // The start is still only in memory, so it stands in for the zeros that were read.
      if (startBytes < start.length) start.copy(data, 0, startBytes);
      hashes.update(data);
      bytesDone += data.length;
      onBytes(bytesDone);
      if (next >= span.endBytes) break;
    }
    if (hashes.done[0]?.sha256 !== span.sha256) throw wrongData(device, span);
  }
}

/** Makes the disk one that boots. Throws {@link FlashError}. */
export async function writeStart({ image, device }: WriteContext, start: Buffer): Promise<void> {
  const length = Math.min(start.length, wholeSectors(device, image.sizeBytes));
  const data = start.subarray(0, length);
  await device.write(data, 0);
  await device.sync();
  const read = alignedBuffer(length);
  await device.read(read, 0);
  if (!read.equals(data)) throw wrongData(device, { startBytes: 0, endBytes: length });
}

/** Waits for nothing of the start, which goes into `start` instead. */
async function writeParts(device: DeviceFile, parts: SpanData[], start: Buffer): Promise<void> {
  for (const { data, startBytes } of parts) {
    const held = Math.max(0, Math.min(data.length, start.length - startBytes));
    data.copy(start, startBytes, 0, held);
    if (held < data.length)
      await device.write(padded(device, data.subarray(held)), startBytes + held);
  }
}

/** With zeros to the end of its last sector, which is within the chunk that `data` is part of. */
function padded(device: DeviceFile, data: Buffer): Buffer {
  const whole = Buffer.from(data.buffer, data.byteOffset, wholeSectors(device, data.length));
  return whole.fill(0, data.length);
}

async function readChunk(
  device: DeviceFile,
  span: HashedSpan,
  startBytes: number,
  chunk: Buffer,
): Promise<SpanData> {
  const length = Math.min(chunk.length, span.endBytes - startBytes);
  await device.read(chunk.subarray(0, wholeSectors(device, length)), startBytes);
  return { data: chunk.subarray(0, length), startBytes };
}

function wholeSectors({ sectorBytes }: DeviceFile, length: number): number {
  return Math.ceil(length / sectorBytes) * sectorBytes;
}

function changed({ path }: CheckedImage): FlashError {
  return badImage(`${path} changed while it was written; the disk does not boot, write it again`);
}

function wrongData(
  { path }: DeviceFile,
  { startBytes, endBytes }: { startBytes: number; endBytes: number },
): FlashError {
  return new FlashError(
    'wrong-data',
    `${path}: what was read back from ${formatDisk(startBytes)} to ${formatDisk(endBytes)} is not what was written; the disk is worn out or false, use another`,
  );
}
