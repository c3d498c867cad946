// Where llama.cpp's libraries and node-llama-cpp's addon lie: in the packages of prebuilt binaries that
// node-llama-cpp brings. Loads none of them.
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Backend } from './settings.js';

/** Thrown where the native library is not there, with what to do. */
export class KernelsError extends Error {
  readonly code = 'HEARTH_KERNELS';
}

const SYSTEMS: Readonly<Record<string, string>> = { darwin: 'mac', win32: 'win', linux: 'linux' };
const PLATFORM = `${SYSTEMS[process.platform]}-${process.arch === 'arm' ? 'armv7l' : process.arch}`;

/**
 * One of llama.cpp's libraries, such as `ggml-base`, in the package of prebuilt binaries from which
 * node-llama-cpp loads it, too; of the package for `gpu` where one is named. Throws {@link KernelsError}.
 */
export function findLlamaLibrary(name: string, gpu?: 'cuda' | 'vulkan'): string {
  const all = process.platform === 'darwin' ? ['', '-metal'] : ['', '-vulkan', '-cuda'];
  const variants = gpu === undefined ? all : [`-${gpu}`];
  for (const folder of variants.flatMap(binaryFolders)) {
    const file = readdirSync(folder).find(isLibrary(name));
    if (file) return path.join(folder, file);
  }
  throw new KernelsError(
    `llama.cpp's library for ${PLATFORM} is not installed; run npm install without --omit=optional`,
  );
}

/** The folder of node-llama-cpp's addon with this backend. Throws where there is none. */
export function findAddonFolder(backend: Backend): string {
  const variant = backend === 'cpu' ? '' : `-${backend}`;
  const found = binaryFolders(variant).find((folder) =>
    existsSync(path.join(folder, 'llama-addon.node')),
  );
  if (found) return found;
  throw new Error(`node-llama-cpp has no binary ${PLATFORM}${variant} here`);
}

/** Nearest first. */
function binaryFolders(variant: string): string[] {
  const name = `${PLATFORM}${variant}`;
  const { resolve } = createRequire(import.meta.resolve('node-llama-cpp'));
  return (resolve.paths(`@node-llama-cpp/${name}`) ?? [])
    .map((folder) => path.join(folder, `@node-llama-cpp/${name}/bins/${name}`))
    .filter((folder) => existsSync(folder));
}

/** `libggml-base.so`, and with llama.cpp's release in the name `libllama.v0.5.0.so`. */
function isLibrary(name: string): (file: string) => boolean {
  const pattern = new RegExp(`^(lib)?${name}(\\.[\\w.]+)?\\.(so|dylib|dll)$`);
  return (file) => pattern.test(file);
}
