// The opened target. O_EXCL: the kernel refuses while anyone has it mounted, and nobody can mount it
// meanwhile. O_DIRECT: what is read back comes from the device, not from memory.
// Buffers have to be alignedBuffer's, offsets and lengths whole sectors.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { formatDisk } from '../../terminal/units.js';
import { deviceId, readBlockDevice } from './block-device.js';
import { FlashError, type FlashReason } from './flash-error.js';
import { readAttribute, type SystemView } from './system-view.js';
import { type FlashTarget, refuseOther } from './target-device.js';

export class DeviceFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, { path: node, device }: FlashTarget) {
    this.#handle = handle;
    this.path = node;
    this.sizeBytes = device.sizeBytes;
    const sector = readAttribute(path.join(device.folder, 'queue/logical_block_size'));
    this.sectorBytes = Number(sector ?? 512);
  }

  async write(data: Buffer, offset: number): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await this.#handle
        .write(data, done, data.length - done, offset + done)
        .catch((cause) => this.#fail('writing', offset + done, cause));
      done += bytesWritten;
    }
  }

  /** Fills `data`. */
  async read(data: Buffer, offset: number): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const { bytesRead } = await this.#handle
        .read(data, done, data.length - done, offset + done)
        .catch((cause) => this.#fail('reading', offset + done, cause));
      if (bytesRead === 0) this.#fail('reading', offset + done, new Error('it ends there'));
      done += bytesRead;
    }
  }

  /** Waits until the device has everything. */
  async sync(): Promise<void> {
    await this.#handle.sync().catch((cause) => this.#fail('flushing', null, cause));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #fail(doing: string, offset: number | null, cause: NodeJS.ErrnoException): never {
    const where = offset === null ? '' : ` at ${formatDisk(offset)}`;
    throw new FlashError(
      'device-failed',
      `${this.path}: ${doing}${where} failed (${cause.code ?? cause.message}); it was pulled out or is broken, and what is on it now does not boot`,
      { cause },
    );
  }
}

/** Throws {@link FlashError} where the device is in use or no longer the one that was looked at. */
export async function openTarget(target: FlashTarget, view: SystemView): Promise<DeviceFile> {
  const { O_RDWR, O_EXCL, O_DIRECT } = constants;
  const handle = await open(target.path, O_RDWR | O_EXCL | O_DIRECT).catch((cause) => {
    throw openError(target.path, cause);
  });
  try {
    const { rdev } = await handle.stat({ bigint: true });
    refuseOther(target, readBlockDevice(deviceId(rdev), view));
    return new DeviceFile(handle, target);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function openError(path: string, cause: NodeJS.ErrnoException): FlashError {
  const noRight = ['no-device', 'may not be written by you; run this with sudo'] as const;
  const known: Record<string, readonly [reason: FlashReason, problem: string]> = {
    EACCES: noRight,
    EPERM: noRight,
    EBUSY: ['in-use', `is in use; lsblk ${path} may show by what`],
    EROFS: ['read-only', 'is read-only'],
  };
  const other = ['no-device', `cannot be opened (${cause.code})`] as const;
  const [reason, problem] = known[cause.code ?? ''] ?? other;
  return new FlashError(reason, `${path} ${problem}`, { cause });
}

/** What O_DIRECT accepts starts at a whole sector. WebAssembly's memory is made of whole pages. */
export function alignedBuffer(sizeBytes: number): Buffer {
  const pages = Math.ceil(sizeBytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return Buffer.from(memory.buffer, 0, sizeBytes);
}

const PAGE_BYTES = 64 << 10;

/** TypeScript knows it only from lib.dom. */
declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
};
