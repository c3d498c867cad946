// A file as the bytes that were packed into it: plain, `.zst` or `.xz`; an image or a bundle.
// What it is, its first bytes say. zstd and xz are the system's programs, fed with an open file, so
// that no name can be an option and neither sees anything else.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

const ZSTD = { magic: '28b52ffd', program: 'zstd', debian: 'zstd', args: ['-dcq'] };
const XZ = {
  magic: 'fd377a585a00',
  program: 'xz',
  debian: 'xz-utils',
  args: ['-dcq', '--memlimit-decompress=1GiB'],
};
/** Formats that would be written as they are, which nobody wants. */
const REFUSED: [magic: string, name: string][] = [
  ['1f8b08', 'gzip'],
  ['425a68', 'bzip2'],
  ['504b0304', 'a zip file'],
  ['514649fb', 'a QEMU disk (qcow2)'],
];
const MAX_COMPLAINT_CHARS = 300;
const CHUNK_BYTES = 1 << 20;

export type PackedFile = {
  /** Null for a compressed file. */
  sizeBytes: number | null;
  /** All of the content from where it was read to. */
  chunks: AsyncIterable<Buffer>;
  /** Fills `buffer` as far as the content goes; the count is smaller only at its end. */
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
    if (!stats.isFile()) throw errorOf(`${file} is not a regular file`);
    if (stats.size === 0) throw errorOf(`${file} is empty`);
    const start = await readStart(handle);
    const packed = [ZSTD, XZ].find(({ magic }) => start.startsWith(magic));
    if (packed) return unpack({ file, handle, errorOf }, packed);
    const [, refused] = REFUSED.find(([magic]) => start.startsWith(magic)) ?? [];
    if (refused)
      throw errorOf(`${file} is ${refused}; unpack it, or compress what is in it with zstd or xz`);
    const chunks = plainChunks({ file, handle, errorOf });
    const close = () => handle.close();
    return { sizeBytes: stats.size, chunks, read: readerOf(chunks), close };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readStart(handle: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
  return buffer.toString('hex', 0, bytesRead);
}

type OpenedFile = { file: string; handle: FileHandle; errorOf: ErrorOf };

async function* plainChunks({ file, handle, errorOf }: OpenedFile): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await handle
      .read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position)
      .catch((cause) => {
        throw errorOf(`${file} cannot be read (${cause.code})`, { cause });
      });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

function unpack({ file, handle, errorOf }: OpenedFile, packed: typeof ZSTD): PackedFile {
  const { program, debian, args } = packed;
  // Its own offset: reading the first bytes was at a position, so that of the file is still 0.
  const child = spawn(program, args, { stdio: [handle.fd, 'pipe', 'pipe'] });
  const stdout = child.stdout as Readable;
  let complaint = '';
  child.stderr?.on('data', (text) => {
    complaint = `${complaint}${text}`.slice(0, MAX_COMPLAINT_CHARS);
  });
  const ended = once(child, 'close').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw errorOf(`${file} needs ${program} to be unpacked; apt install ${debian}`);
  });
  // Read ends first, and waits for this.
  ended.catch(() => {});
  async function* unpacked(): AsyncGenerator<Buffer> {
    yield* stdout;
    const [status] = await ended;
    if (status === 0) return;
    const said = complaint.trim().split('\n')[0] ?? '';
    throw errorOf(`${file} is damaged or cut short: ${program} says "${said}"; get it again`);
  }
  const chunks = unpacked();
  const close = async () => {
    child.kill('SIGKILL');
    // A pipe with bytes that nobody will read would never close, nor would the child count as ended.
    stdout.destroy();
    await ended.catch(() => {});
    await handle.close();
  };
  return { sizeBytes: null, chunks, read: readerOf(chunks), close };
}

function readerOf(chunks: AsyncGenerator<Buffer>): PackedFile['read'] {
  let rest: Buffer = Buffer.alloc(0);
  return async (buffer) => {
    let filled = 0;
    while (filled < buffer.length) {
      if (rest.length === 0) {
        const { value, done } = await chunks.next();
        if (done) break;
        rest = value;
      }
      const copied = rest.copy(buffer, filled);
      rest = rest.subarray(copied);
      filled += copied;
    }
    return filled;
  };
}
