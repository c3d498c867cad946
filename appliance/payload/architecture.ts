// The machines that hearth is packed for: Linux on two architectures, with glibc.
// A table, because npm, Debian, GCC and UEFI each spell an architecture in their own way.
import type { BundleTarget } from '../manifest.js';

export type Architecture = {
  /** as `process.arch` and npm's `cpu` have it */
  cpu: 'x64' | 'arm64';
  /** GCC's triplet, the front of its programs' names */
  triplet: string;
  /** of an ELF file's header: 62 EM_X86_64, 183 EM_AARCH64 */
  elfMachine: number;
};

export const ARCHITECTURES: Record<BundleTarget, Architecture> = {
  'linux-x64': { cpu: 'x64', triplet: 'x86_64-linux-gnu', elfMachine: 62 },
  'linux-arm64': { cpu: 'arm64', triplet: 'aarch64-linux-gnu', elfMachine: 183 },
};

/** Something that a target needs cannot be had or is not what it should be; the message says what. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';
  readonly code = 'HEARTH_PAYLOAD';
}
