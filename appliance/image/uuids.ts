// UUIDs that follow from what an image is made of: the same inputs give the same disk.
// Two different images get different ones, so that both can be in one machine.
import { createHash } from 'node:crypto';

/** A maker of UUIDs for `seed`: in the form of random ones (version 4), by SHA-256 of seed and name. */
export function uuidsFrom(seed: string): (name: string) => string {
  return (name) => {
    const bytes = createHash('sha256').update(`${seed}\0${name}`).digest().subarray(0, 16);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = bytes.toString('hex');
    return [0, 8, 12, 16, 20].map((at, i, all) => hex.slice(at, all[i + 1])).join('-');
  };
}
