// An image as the bytes that belong on the disk, from `.img`, `.img.zst` and `.img.xz`.
// What it is, its first bytes say. zstd and xz are the system's programs, fed with an open file, so
// that no name can be an option and neither sees anything else.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { FlashError } from './flash-error.js';

const PROGRAMS = [
  { magic: '28b52ffd', program: 'zstd', debian: 'zstd', args: ['-dcq'] },
  {
    magic: 'fd377a585a00',
    program: 'xz',
    debian: 'xz-utils',
    args: ['-dcq', '--memlimit-decompress=1GiB'],
  },
] as const;
/** Formats that would be written as they are, which nobody wants. */
const REFUSED: [magic: string, name: string][] = [
  ['1f8b08', 'gzip'],
  ['425a68', 'bzip2'],
  ['504b0304', 'a zip file'],
  ['514649fb', 'a QEMU disk (qcow2)'],
];
const MAX_COMPLAINT_CHARS = 300;

export type ImageReader = {
  /** Null for a compressed image. */
  sizeBytes: number | null;
  /** Fills `buffer` as far as the image goes; the count is smaller at its end alone. */
  read(buffer: Buffer): Promise<number>;
  close(): Promise<void>;
};

/** Throws {@link FlashError} where there is no image that can be read. */
export async function openImage(file: string): Promise<ImageReader> {
  const handle = await open(file).catch((cause) => {
    throw new FlashError('bad-image', `${file} cannot be read (${cause.code})`, { cause });
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new FlashError('bad-image', `${file} is no regular file`);
    if (stats.size === 0) throw new FlashError('bad-image', `${file} is empty`);
    const start = await readStart(handle);
    const packed = PROGRAMS.find(({ magic }) => start.startsWith(magic));
    if (packed) return new PackedImage(file, handle, packed);
    const [, refused] = REFUSED.find(([magic]) => start.startsWith(magic)) ?? [];
    if (!refused) return new PlainImage(file, handle, stats.size);
    const advice = 'unpack it, or compress the raw image with zstd or xz';
    throw new FlashError('bad-image', `${file} is ${refused}; ${advice}`);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readStart(handle: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  return buffer.toString('hex', 0, bytesRead);
}

class PlainImage implements ImageReader {
  readonly sizeBytes: number;
  readonly #file: string;
  readonly #handle: FileHandle;
  #offset = 0;

  constructor(file: string, handle: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  async read(buffer: Buffer): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#handle
        .read(buffer, filled, buffer.length - filled, this.#offset)
        .catch((cause) => {
          throw new FlashError('bad-image', `${this.#file} cannot be read (${cause.code})`);
        });
      if (bytesRead === 0) break;
      filled += bytesRead;
      this.#offset += bytesRead;
    }
    return filled;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

class PackedImage implements ImageReader {
  readonly sizeBytes = null;
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #program: (typeof PROGRAMS)[number];
  readonly #child: ChildProcess;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #ended: Promise<number | null>;
  #rest: Buffer = Buffer.alloc(0);
  #complaint = '';

  constructor(file: string, handle: FileHandle, program: (typeof PROGRAMS)[number]) {
    this.#file = file;
    this.#handle = handle;
    this.#program = program;
    // Its own offset: reading the first bytes was at a position, so that of the file is still 0.
    this.#child = spawn(program.program, program.args, { stdio: [handle.fd, 'pipe', 'pipe'] });
    this.#chunks = (this.#child.stdout as Readable)[Symbol.asyncIterator]();
    this.#child.stderr?.on('data', (text) => {
      this.#complaint = `${this.#complaint}${text}`.slice(0, MAX_COMPLAINT_CHARS);
    });
    this.#ended = once(this.#child, 'close').then(
      ([status]) => status as number | null,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOENT') throw cause;
        throw new FlashError(
          'bad-image',
          `${file} needs ${program.program} to be unpacked; apt install ${program.debian}`,
        );
      },
    );
    // Read ends first, and waits for this.
    this.#ended.catch(() => {});
  }

  async read(buffer: Buffer): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#chunks.next();
        if (done) {
          await this.#refuseDamaged();
          break;
        }
        this.#rest = value;
      }
      const copied = this.#rest.copy(buffer, filled);
      this.#rest = this.#rest.subarray(copied);
      filled += copied;
    }
    return filled;
  }

  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => {});
    await this.#handle.close();
  }

  async #refuseDamaged(): Promise<void> {
    if ((await this.#ended) === 0) return;
    const { program } = this.#program;
    const said = this.#complaint.trim().split('\n')[0] ?? '';
    throw new FlashError(
      'bad-image',
      `${this.#file} is damaged or cut short: ${program} says "${said}"; get it again`,
    );
  }
}
