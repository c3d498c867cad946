// better-sqlite3's compiled part for a target: this machine's own where it fits, else built here from
// the installed sources, for another processor with Debian's cross-compiler.
// Headers are those of the Node that goes into the bundle; nothing is downloaded.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { BundleTarget } from '../manifest.js';
import { BundleError } from './bundle-error.js';
import { cacheFolder } from './npm-package.js';
import { NODE_ABI, NODE_VERSION } from './pinned-packages.js';

const run = promisify(execFile);

const BUILT = 'build/Release/better_sqlite3.node';
const COMPILERS: Readonly<Record<BundleTarget, Compiler>> = {
  'linux-x64': { arch: 'x64', prefix: 'x86_64-linux-gnu-', debian: 'g++-x86-64-linux-gnu' },
  'linux-arm64': { arch: 'arm64', prefix: 'aarch64-linux-gnu-', debian: 'g++-aarch64-linux-gnu' },
};

type Compiler = { arch: string; prefix: string; debian: string };

export type AddonRequest = {
  target: BundleTarget;
  /** Of the installed better-sqlite3. */
  packageFolder: string;
  /** Of the Node for the target, with its headers. */
  nodeFolder: string;
};

/** Path of the compiled file. Throws {@link BundleError} where it cannot be built. */
export async function sqliteAddon({
  target,
  packageFolder,
  nodeFolder,
}: AddonRequest): Promise<string> {
  const isOurs = target === `${process.platform}-${process.arch}`;
  const own = path.join(packageFolder, BUILT);
  if (isOurs && process.versions.modules === NODE_ABI && existsSync(own)) return own;
  const manifest = await readFile(path.join(packageFolder, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const name = `better-sqlite3@${version}-node-${NODE_VERSION}-${target}.node`;
  const cached = path.join(cacheFolder(), 'built', name);
  if (!existsSync(cached)) await build({ target, packageFolder, nodeFolder }, cached);
  return cached;
}

async function build(
  { target, packageFolder, nodeFolder }: AddonRequest,
  output: string,
): Promise<void> {
  const { arch, prefix, debian } = COMPILERS[target];
  await run(`${prefix}g++`, ['--version']).catch(() => {
    throw new BundleError(
      `better-sqlite3 must be built for ${target}: apt install ${debian} make python3`,
    );
  });
  await mkdir(path.dirname(output), { recursive: true });
  const work = await mkdtemp(`${output}.`);
  try {
    const old = path.join(packageFolder, 'build');
    await cp(packageFolder, work, { recursive: true, filter: (file) => file !== old });
    const env = {
      ...process.env,
      CC: `${prefix}gcc`,
      CXX: `${prefix}g++`,
      AR: `${prefix}ar`,
      npm_config_arch: arch,
      npm_config_nodedir: nodeFolder,
      // The same file wherever it is built.
      CFLAGS: `-ffile-prefix-map=${work}=.`,
      CXXFLAGS: `-ffile-prefix-map=${work}=.`,
    };
    await run('npm', ['run', '--silent', 'build-release'], { cwd: work, env, maxBuffer: 64 << 20 });
    const built = path.join(work, BUILT);
    await run(`${prefix}strip`, ['--strip-unneeded', built]);
    await rename(built, output);
  } catch (cause) {
    throw new BundleError(`better-sqlite3 cannot be built for ${target}: ${lastWords(cause)}`, {
      cause,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function lastWords(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  return (stderr || message).trim().split('\n').slice(-3).join(' ');
}
