// Reads a tar archive as it streams by, one entry after the other, whatever a stranger wrote into it.
// Names are handed on as they are: unsafePathReason is for who uses them. Nothing is held in memory
// but a header, whose size is limited.
// Knows ustar and the path and size of pax; other types of entries are named by their letter.
import { BundleError } from './manifest.js';

const BLOCK_BYTES = 512;
const MAX_PAX_BYTES = 64 << 10;

export type TarEntry = {
  path: string;
  sizeBytes: number;
  mode: number;
  /** `0` a regular file, `1` and `2` links, `5` a folder. */
  type: string;
  /** Read it before the next entry is asked for; what is left is skipped. */
  content: AsyncIterable<Buffer>;
};

/** Throws {@link BundleError}, which calls the archive `where`, for what is not a whole archive. */
export async function* readTar(
  chunks: AsyncIterable<Buffer>,
  where: string,
): AsyncGenerator<TarEntry> {
  const source = new ByteSource(chunks, where);
  let pax: Pax = {};
  for (;;) {
    const header = await source.take(BLOCK_BYTES);
    if (header.every((byte) => byte === 0)) break;
    const entry = parseHeader(header, where);
    if (entry.type === 'x' || entry.type === 'g') {
      if (entry.sizeBytes > MAX_PAX_BYTES)
        throw new BundleError(`${where}: a pax header has ${entry.sizeBytes} bytes`);
      const records = await source.take(entry.sizeBytes);
      await source.take(paddingBytes(entry.sizeBytes));
      if (entry.type === 'x') pax = parsePax(records, where);
      continue;
    }
    const sizeBytes = pax.sizeBytes ?? entry.sizeBytes;
    const content = source.chunks(sizeBytes);
    yield { ...entry, path: pax.path ?? entry.path, sizeBytes, content };
    for await (const _ of content);
    await source.take(paddingBytes(sizeBytes));
    pax = {};
  }
  await source.expectZerosToTheEnd();
}

type Header = Omit<TarEntry, 'content'>;
type Pax = { path?: string; sizeBytes?: number };

function parseHeader(header: Buffer, where: string): Header {
  const field = (offset: number, length: number) => {
    const bytes = header.subarray(offset, offset + length);
    const end = bytes.indexOf(0);
    return bytes.subarray(0, end < 0 ? length : end);
  };
  const number = (offset: number, length: number, name: string) => {
    const digits = field(offset, length).toString('latin1').trim();
    if (/^[0-7]+$/.test(digits)) return Number.parseInt(digits, 8);
    throw new BundleError(`${where}: a header of the archive has no ${name}`);
  };
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (number(148, 8, 'checksum') !== sum)
    throw new BundleError(`${where} is not a tar archive, or it is damaged; get it again`);
  const isUstar = field(257, 5).toString('latin1') === 'ustar';
  const [name, prefix] = [field(0, 100).toString(), isUstar ? field(345, 155).toString() : ''];
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    sizeBytes: number(124, 12, 'size'),
    mode: number(100, 8, 'mode') & 0o7777,
    type: header[156] === 0 ? '0' : String.fromCharCode(header[156] ?? 0),
  };
}

/** Records are `length key=value\n`. */
function parsePax(records: Buffer, where: string): Pax {
  const pax: Pax = {};
  for (let at = 0; at < records.length; ) {
    const space = records.indexOf(' ', at);
    const length = Number(records.toString('latin1', at, Math.max(at, space)));
    const end = at + length;
    const isWhole = length > 0 && end <= records.length && records[end - 1] === 10;
    if (!Number.isSafeInteger(length) || !isWhole)
      throw new BundleError(`${where}: a pax header is damaged`);
    const [, key, value = ''] =
      /^(.*?)=(.*)$/s.exec(records.toString('utf8', space + 1, end - 1)) ?? [];
    if (key === 'path') pax.path = value;
    if (key === 'size') pax.sizeBytes = readSize(value, where);
    at = end;
  }
  return pax;
}

function readSize(text: string, where: string): number {
  const size = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(size)) return size;
  throw new BundleError(`${where}: a pax header has the size ${JSON.stringify(text)}`);
}

function paddingBytes(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #where: string;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>, where: string) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#where = where;
  }

  /** So many bytes; small numbers only, as they are held. */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.chunks(length)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** So many bytes as they come; another reading of the same goes on where the first ended. */
  chunks(length: number): AsyncIterable<Buffer> {
    let left = length;
    const next = async (): Promise<IteratorResult<Buffer>> => {
      if (left === 0) return { done: true, value: undefined };
      if (this.#rest.length === 0) await this.#fill();
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      return { done: false, value: part };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  async expectZerosToTheEnd(): Promise<void> {
    for (;;) {
      if (this.#rest.some((byte) => byte !== 0))
        throw new BundleError(`${this.#where}: something follows the end of the archive`);
      const { value, done } = await this.#chunks.next();
      if (done) return;
      this.#rest = value;
    }
  }

  async #fill(): Promise<void> {
    const { value, done } = await this.#chunks.next();
    if (done) throw new BundleError(`${this.#where} is cut short; get it again`);
    this.#rest = value;
  }
}
