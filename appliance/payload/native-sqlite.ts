// better-sqlite3's native part for a target: the installed one where it is the same, else built.
// The Node package that goes onto the target has its headers, so nothing else is fetched to build.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { BundleTarget } from '../manifest.js';
import type { InstalledPackage } from './dependencies.js';
import { cacheFolder } from './npm-package.js';
import {
  ARCHITECTURES,
  type Architecture,
  NODE_ABI,
  NODE_VERSION,
  PayloadError,
} from './pinned-packages.js';

const run = promisify(execFile);

/** better-sqlite3 as installed here, and the target's Node, headers included. */
export type SqliteSource = Pick<InstalledPackage, 'folder' | 'version'> & { nodeFolder: string };

const BUILT = 'build/Release/better_sqlite3.node';
const MAX_OUTPUT_BYTES = 64 << 20;

/** Path of a `better_sqlite3.node` that the target's Node loads. Rejects with {@link PayloadError}. */
export async function nativeSqlite(
  target: BundleTarget,
  source: SqliteSource,
  signal?: AbortSignal,
): Promise<string> {
  const architecture = ARCHITECTURES[target];
  const installed = path.join(source.folder, BUILT);
  const isOurs = process.platform === 'linux' && process.arch === architecture.cpu;
  if (isOurs && process.versions.modules === NODE_ABI && (await isFor(installed, architecture)))
    return installed;
  const name = `better-sqlite3-${source.version}-node-${NODE_VERSION}-${target}`;
  const cache = path.join(cacheFolder(), 'built');
  const folder = path.join(cache, name);
  const built = path.join(folder, 'better_sqlite3.node');
  if (await isFor(built, architecture)) return built;
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(path.join(cache, '.build-'));
  try {
    await build(temporary, source, architecture, signal);
    await mkdir(folder, { recursive: true });
    await rename(path.join(temporary, BUILT), built);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  if (await isFor(built, architecture)) return built;
  throw new PayloadError(`better-sqlite3 was built for another machine than ${target}`);
}

/** Whether it is there and its ELF header names this architecture. */
async function isFor(file: string, { elfMachine }: Architecture): Promise<boolean> {
  const bytes = await readFile(file).catch(() => null);
  return bytes !== null && bytes.length > 64 && bytes.readUInt16LE(18) === elfMachine;
}

async function build(
  folder: string,
  { folder: from, nodeFolder }: SqliteSource,
  { triplet, cpu }: Architecture,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const part of ['binding.gyp', 'package.json', 'deps', 'src'])
    await cp(path.join(from, part), path.join(folder, part), { recursive: true });
  const flags = `-ffile-prefix-map=${folder}=.`;
  const tools = { CC: `${triplet}-gcc`, CXX: `${triplet}-g++`, AR: `${triplet}-ar` };
  const env = { ...process.env, ...tools, CFLAGS: flags, CXXFLAGS: flags, LDFLAGS: '-s' };
  const words = ['rebuild', '--release', `--arch=${cpu}`, `--nodedir=${nodeFolder}`];
  try {
    const options = { cwd: folder, env, maxBuffer: MAX_OUTPUT_BYTES, signal };
    await run(process.execPath, [await nodeGyp(), ...words], options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw buildError(error as { stderr?: string; message: string }, triplet);
  }
}

/** The one that npm brings. */
async function nodeGyp(): Promise<string> {
  const { stdout } = await run('sh', ['-c', 'command -v npm']);
  const npm = path.dirname(await realpath(stdout.trim()));
  return path.join(npm, '../node_modules/node-gyp/bin/node-gyp.js');
}

function buildError(error: { stderr?: string; message: string }, triplet: string): PayloadError {
  const lines = (error.stderr || error.message).split('\n');
  const line = lines.find((text) => /error|not found|No such/i.test(text)) ?? lines[0];
  const gcc = `g++${triplet.startsWith('aarch64') ? '-aarch64-linux-gnu' : ''}`;
  return new PayloadError(
    `better-sqlite3 cannot be built for ${triplet}: ${line}; it needs apt-get install ${gcc} make python3`,
  );
}
