// Where llama.cpp's libraries lie: in the packages of prebuilt binaries that node-llama-cpp brings.
// Loads none of them.
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Thrown where the native library is not there, with what to do. */
export class KernelsError extends Error {
  readonly code = 'HEARTH_KERNELS';
}

const PLATFORMS: Readonly<Record<string, string>> = { darwin: 'mac', win32: 'win', linux: 'linux' };

/**
 * One of llama.cpp's libraries, such as `ggml-base`, in the package of prebuilt binaries from which
 * node-llama-cpp loads it, too; of the package for `gpu` where one is named. Throws {@link KernelsError}.
 */
export function findLlamaLibrary(name: string, gpu?: 'cuda' | 'vulkan'): string {
  const platform = `${PLATFORMS[process.platform]}-${process.arch === 'arm' ? 'armv7l' : process.arch}`;
  const all = process.platform === 'darwin' ? ['', '-metal'] : ['', '-vulkan', '-cuda'];
  const variants = gpu === undefined ? all : [`-${gpu}`];
  const { resolve } = createRequire(import.meta.resolve('node-llama-cpp'));
  for (const variant of variants)
    for (const folder of resolve.paths(`@node-llama-cpp/${platform}${variant}`) ?? []) {
      const binaries = path.join(
        folder,
        `@node-llama-cpp/${platform}${variant}/bins/${platform}${variant}`,
      );
      const file = existsSync(binaries) && readdirSync(binaries).find(isLibrary(name));
      if (file) return path.join(binaries, file);
    }
  throw new KernelsError(
    `llama.cpp's library for ${platform} is not installed; run npm install without --omit=optional`,
  );
}

/** `libggml-base.so`, and with llama.cpp's release in the name `libllama.v0.5.0.so`. */
function isLibrary(name: string): (file: string) => boolean {
  const pattern = new RegExp(`^(lib)?${name}(\\.[\\w.]+)?\\.(so|dylib|dll)$`);
  return (file) => pattern.test(file);
}
