// The part of node-llama-cpp's native addon that finds backends and plans memory, as types.
// Loaded without the rest of the package, which takes half a second and 80 MiB to load; the version
// is pinned. Runs nothing by itself.
import { createRequire } from 'node:module';
import path from 'node:path';
import { findAddonFolder } from './libraries.js';
import type { Backend } from './settings.js';

type AddonMetadata = { init(headers: Buffer[]): Promise<void>; dispose(): void };
type AddonModel = {
  init(metadata: AddonMetadata): Promise<boolean>;
  getMemoryBreakdown(): Breakdown;
  dispose(): Promise<void>;
};
type AddonContext = {
  init(): Promise<boolean>;
  getMemoryBreakdown(): Breakdown;
  dispose(): Promise<void>;
};

export type Addon = {
  markLoaded(): void;
  setLogger(logger: (level: number, message: string) => void): void;
  setLoggerLogLevel(level: number): void;
  loadBackends(folder?: string): void;
  init(): Promise<void>;
  getGpuVramInfo(): { total: number; used: number; unifiedSize: number };
  AddonGgufMetadata: new () => AddonMetadata;
  AddonModel: new (
    path: '',
    options: { gpuLayers: number; noAlloc: true; useMmap: false; useMlock: false },
  ) => AddonModel;
  AddonContext: new (
    model: AddonModel,
    options: {
      contextSize: number;
      batchSize: number;
      sequences: number;
      embeddings: false;
      flashAttention: boolean | 'auto';
      /** GGML_TYPE ids. */
      kvCacheKeyType: number;
      kvCacheValueType: number;
      swaFullCache: false;
    },
  ) => AddonContext;
};

/** Warnings, as the addon counts them; each level has those below. */
const WARNINGS = 3;

/** The addon with this backend, ready to plan, as are its libraries. Throws where this machine has no binary for it. */
export async function loadAddon(
  backend: Backend,
  onWarning: (message: string) => void,
): Promise<Addon> {
  const folder = findAddonFolder(backend);
  const require = createRequire(import.meta.url);
  const addon = require(path.join(folder, 'llama-addon.node')) as Addon;
  addon.markLoaded();
  addon.setLogger((_level, message) => onWarning(message));
  addon.setLoggerLogLevel(WARNINGS);
  addon.loadBackends(folder);
  await addon.init();
  return addon;
}

/** Bytes of the model and of its context, as the addon tells them. */
export type Breakdown = { cpuRam: number; gpuVram: number };
