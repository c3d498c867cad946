// Headers of a tar archive that are the same for the same files: POSIX ustar, sorted by the caller, one
// owner, one time. What ustar has no room for, long paths and large sizes, goes into a pax header.
// Only regular files: folders come into being by the files in them.

const BLOCK_BYTES = 512;
/** 2020-01-01: tar warns of anything that looks as if the clock had been wrong. */
const MTIME_S = 1_577_836_800;
const [NAME_BYTES, PREFIX_BYTES] = [100, 155];
/** Eleven octal digits. */
const MAX_USTAR_BYTES = 8 ** 11 - 1;

export type TarFile = { path: string; sizeBytes: number; mode: number };

/** What comes before the content of a file. */
export function tarHeader({ path, sizeBytes, mode }: TarFile): Buffer {
  const place = split(path);
  const records = [
    ...(place ? [] : [paxRecord('path', path)]),
    ...(sizeBytes > MAX_USTAR_BYTES ? [paxRecord('size', `${sizeBytes}`)] : []),
  ].join('');
  const [prefix, name] = place ?? ['', Buffer.from(path).toString('latin1', 0, NAME_BYTES)];
  const size = Math.min(sizeBytes, MAX_USTAR_BYTES);
  const own = ustar({ name, prefix, sizeBytes: size, mode, type: '0' });
  if (records === '') return own;
  const pax = Buffer.from(records);
  const header = ustar({ name: 'pax', prefix: '', sizeBytes: pax.length, mode: 0o644, type: 'x' });
  return Buffer.concat([header, pax, tarPadding(pax.length), own]);
}

/** What comes after the content of a file of this size. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** What comes after the last file. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK_BYTES);
}

/** Prefix and name as bytes in latin1; null where the path does not fit into them. */
function split(path: string): [prefix: string, name: string] | null {
  const bytes = Buffer.from(path).toString('latin1');
  if (bytes.length <= NAME_BYTES) return ['', bytes];
  for (let at = bytes.indexOf('/'); at >= 0 && at <= PREFIX_BYTES; at = bytes.indexOf('/', at + 1))
    if (bytes.length - at - 1 <= NAME_BYTES) return [bytes.slice(0, at), bytes.slice(at + 1)];
  return null;
}

type Ustar = { name: string; prefix: string; sizeBytes: number; mode: number; type: string };

function ustar({ name, prefix, sizeBytes, mode, type }: Ustar): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const put = (text: string, offset: number) => header.write(text, offset, 'latin1');
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  put(name, 0);
  put(octal(mode, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(sizeBytes, 11), 124);
  put(octal(MTIME_S, 11), 136);
  put(' '.repeat(8), 148);
  put(type, 156);
  put('ustar\u000000', 257);
  put('root', 265);
  put('root', 297);
  put(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\u0000 `, 148);
  return header;
}

/** Its own length, in decimal, is part of a record. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const restBytes = Buffer.byteLength(rest);
  let length = restBytes + 1;
  while (`${length}`.length + restBytes !== length) length = `${length}`.length + restBytes;
  return `${length}${rest}`;
}
