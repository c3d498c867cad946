// A file as the bytes that were packed into it: plain, `.zst` or `.xz`; an image or a bundle.
// What it is, its first bytes say. zstd and xz are the system's programs, fed with an open file, so
// that no name can be an option and neither sees anything else.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

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

export type PackedFile = {
  /** Null for a compressed file. */
  sizeBytes: number | null;
  /** Fills `buffer` as far as the content goes; the count is smaller at its end alone. */
  read(buffer: Buffer): Promise<number>;
  close(): Promise<void>;
};

/** The error that is thrown where the file cannot be read; each user has a class of its own. */
export type ErrorOf = (message: string, options?: ErrorOptions) => Error;

/** Rejects with `errorOf`'s error where there is no file that can be read; so do reads. */
export async function openPackedFile(file: string, errorOf: ErrorOf): Promise<PackedFile> {
  const handle = await open(file).catch((cause) => {
    throw errorOf(`${file} cannot be read (${cause.code})`, { cause });
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw errorOf(`${file} is no regular file`);
    if (stats.size === 0) throw errorOf(`${file} is empty`);
    const start = await readStart(handle);
    const packed = PROGRAMS.find(({ magic }) => start.startsWith(magic));
    if (packed) return new Compressed({ file, handle, errorOf }, packed);
    const [, refused] = REFUSED.find(([magic]) => start.startsWith(magic)) ?? [];
    if (!refused) return new Plain({ file, handle, errorOf }, stats.size);
    const advice = 'unpack it, or compress what is in it with zstd or xz';
    throw errorOf(`${file} is ${refused}; ${advice}`);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readStart(handle: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  return buffer.toString('hex', 0, bytesRead);
}

type Source = { file: string; handle: FileHandle; errorOf: ErrorOf };

class Plain implements PackedFile {
  readonly sizeBytes: number;
  readonly #source: Source;
  #offset = 0;

  constructor(source: Source, sizeBytes: number) {
    this.#source = source;
    this.sizeBytes = sizeBytes;
  }

  async read(buffer: Buffer): Promise<number> {
    const { file, handle, errorOf } = this.#source;
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle
        .read(buffer, filled, buffer.length - filled, this.#offset)
        .catch((cause) => {
          throw errorOf(`${file} cannot be read (${cause.code})`);
        });
      if (bytesRead === 0) break;
      filled += bytesRead;
      this.#offset += bytesRead;
    }
    return filled;
  }

  async close(): Promise<void> {
    await this.#source.handle.close();
  }
}

class Compressed implements PackedFile {
  readonly sizeBytes = null;
  readonly #source: Source;
  readonly #program: (typeof PROGRAMS)[number];
  readonly #child: ChildProcess;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #ended: Promise<number | null>;
  #rest: Buffer = Buffer.alloc(0);
  #complaint = '';

  constructor(source: Source, program: (typeof PROGRAMS)[number]) {
    const { file, handle, errorOf } = source;
    this.#source = source;
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
        throw errorOf(
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
    // A pipe with bytes that nobody will read would never close, nor would the child count as ended.
    this.#child.stdout?.destroy();
    await this.#ended.catch(() => {});
    await this.#source.handle.close();
  }

  async #refuseDamaged(): Promise<void> {
    if ((await this.#ended) === 0) return;
    const { program } = this.#program;
    const { file, errorOf } = this.#source;
    const said = this.#complaint.trim().split('\n')[0] ?? '';
    throw errorOf(`${file} is damaged or cut short: ${program} says "${said}"; get it again`);
  }
}
