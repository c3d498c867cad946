// Tests that run a program which is not there are skipped, by a reason that names it and the Debian
// package that has it. scripts/test-tools.mjs has the list; npm test names all skips at its end.
import path from 'node:path';
import t from 'tap';

const packageRoot = path.resolve(import.meta.dirname, '../../..');

export type Tool =
  | 'chromium'
  | 'sqlite3'
  | 'Vulkan'
  | 'zstd'
  | 'xz'
  | 'mke2fs'
  | 'sfdisk'
  | 'mksquashfs'
  | 'unsquashfs'
  | 'veritysetup'
  | 'openssl'
  | 'rauc'
  | 'sbsign'
  | 'sbverify'
  | 'objcopy'
  | 'systemd-stub'
  | 'losetup'
  | 'addpart'
  | 'script';

const tools = (await import(path.join(packageRoot, 'scripts/test-tools.mjs'))) as {
  findTool(name: Tool): string | null;
  needsTool(name: Tool): string;
};

export const { findTool, needsTool } = tools;

/** The `skip` of a test that runs these. */
export function needs(...names: Tool[]): string | false {
  const missing = names.find((name) => findTool(name) === null);
  return missing !== undefined && needsTool(missing);
}

/** For a file whose tests all run these: leaves it here, as skipped, where one is missing. */
export function skipFileWithout(...names: Tool[]): void {
  const reason = needs(...names);
  if (reason !== false) skipFile(reason);
}

/** For a file that compares bytes with llama.cpp's: those that hearth writes are what it computes on x64. */
export function skipFileOffX64(): void {
  if (process.arch !== 'x64') skipFile('llama.cpp here is compiled to round otherwise than on x64');
}

function skipFile(reason: string): never {
  t.plan(0, reason);
  process.exit();
}
