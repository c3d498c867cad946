// Archives of any entries, such as our writer would never write: links, devices, names that lead out.
// Headers are our writer's, with another type and the checksum that fits.
// Nothing here is checked.
import { tarEnd, tarHeader, tarPadding } from '../../appliance/pack/tar-writer.js';

export type TestEntry = { path: string; content: string | Buffer; mode?: number; type?: string };

export function tarOf(entries: TestEntry[]): Buffer {
  const parts = entries.flatMap(({ path, content, mode = 0o644, type = '0' }) => {
    const bytes = Buffer.from(content);
    const header = tarHeader({ path, sizeBytes: bytes.length, mode });
    return [type === '0' ? header : withType(header, type), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...parts, tarEnd()]);
}

/** Of the header at the start of `bytes`, which is changed. */
export function withType(bytes: Buffer, type: string): Buffer {
  bytes.write(type, 156);
  bytes.fill(' ', 148, 156);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
  return bytes;
}
