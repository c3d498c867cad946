// What a device needs of hearth: Node, hearth's compiled code, its dependencies for only that device.
// A list of files with where they come from, so that a bundle and an image hold the same.
import { existsSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleTarget } from '../manifest.js';
import {
  findInstalled,
  type InstalledPackage,
  installedDependencies,
  readPackage,
} from './dependencies.js';
import { nativeSqlite } from './native-sqlite.js';
import { type FetchPackage, fetchPackage } from './npm-package.js';
import { filesBelow, packageFiles } from './package-files.js';
import {
  PayloadError,
  PINNED_PACKAGES,
  type PinnedPackage,
  VULKAN_PACKAGES,
} from './pinned-packages.js';

export type PayloadFile = {
  /** below the folder that hearth is installed in, with slashes */
  path: string;
  /** absolute, on this machine */
  source: string;
  mode: 0o644 | 0o755;
  sizeBytes: number;
};

export type Payload = {
  target: BundleTarget;
  /** sorted by path */
  files: PayloadFile[];
  /** `name@version` of what is in it, Node included, sorted */
  packages: string[];
};

/** Below the folder that hearth is installed in. */
export const PAYLOAD_NODE = 'bin/node';
export const PAYLOAD_CLI = 'dist/cli.js';

export type PayloadOptions = {
  /** With llama.cpp for GPUs as well. */
  hasVulkan?: boolean | undefined;
  /** Of the hearth that is packed: the folder of its package.json. */
  root?: string | undefined;
  fetch?: FetchPackage | undefined;
  signal?: AbortSignal | undefined;
};

/**
 * Everything of hearth that `target` needs; what is not here comes from npm's registry, pinned, into
 * the cache. Rejects with {@link PayloadError}.
 */
export async function payload(
  target: BundleTarget,
  options: PayloadOptions = {},
): Promise<Payload> {
  const { root = hearthRoot(), fetch = fetchPackage, signal } = options;
  const installed = installedDependencies(root);
  const { node } = PINNED_PACKAGES[target];
  const nodeFolder = await fetch(node, signal);
  const native: InstalledPackage[] = [];
  for (const wanted of nativePackages(target, options))
    native.push(await nativePackage(wanted, { root, fetch, signal }));
  const sqlite = installed.find(({ name }) => name === 'better-sqlite3');
  if (!sqlite)
    throw new PayloadError('better-sqlite3, which hearth needs, is not installed; run npm install');
  const sources = new Map<string, string>([
    [PAYLOAD_NODE, path.join(nodeFolder, 'bin/node')],
    [`${PAYLOAD_NODE}.LICENSE`, path.join(nodeFolder, 'LICENSE')],
    ...hearthFiles(root),
    ...[...installed, ...native].flatMap(filesOf),
  ]);
  const sqlitePart = `${sqlite.place}/build/Release/better_sqlite3.node`;
  sources.set(sqlitePart, await nativeSqlite(target, { ...sqlite, nodeFolder }, signal));
  return {
    target,
    files: await Promise.all([...sources].sort(([a], [b]) => (a < b ? -1 : 1)).map(payloadFile)),
    packages: [...new Set([node, ...installed, ...native].map(nameAndVersion))].sort(),
  };
}

function nativePackages(target: BundleTarget, { hasVulkan }: PayloadOptions): PinnedPackage[] {
  const { koffi, llama } = PINNED_PACKAGES[target];
  if (!hasVulkan) return [koffi, llama];
  const vulkan = VULKAN_PACKAGES[target];
  if (vulkan) return [koffi, llama, vulkan];
  throw new PayloadError(`there is no llama.cpp with Vulkan for ${target}; pack without it`);
}

type PayloadSource = [path: string, source: string];

/** The folder of package.json, seen from dist/. */
function hearthRoot(): string {
  return fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');
}

/** Folders below dist/ that `files` in package.json leaves out, too. */
const NOT_SHIPPED = ['test', path.join('bench', 'development')];

/** As npm publishes it, without what only a developer reads. */
function hearthFiles(root: string): PayloadSource[] {
  if (!existsSync(path.join(root, PAYLOAD_CLI)))
    throw new PayloadError(`${root} has no ${PAYLOAD_CLI}; run npm run build`);
  const compiled = filesBelow(path.join(root, 'dist'), (file) => NOT_SHIPPED.includes(file));
  const files = ['package.json', 'LICENSE', ...compiled.map((file) => path.join('dist', file))];
  return files.map((file) => [file, path.join(root, file)]);
}

/** The one that npm installed, where this machine is like the target; else fetched. */
async function nativePackage(
  wanted: PinnedPackage,
  { root, fetch, signal }: { root: string; fetch: FetchPackage; signal: AbortSignal | undefined },
): Promise<InstalledPackage> {
  const here = findInstalled(wanted.name, root);
  const isSame = here !== null && readPackage(here).version === wanted.version;
  const folder = isSame ? here : await fetch(wanted, signal);
  return { ...wanted, folder, place: `node_modules/${wanted.name}` };
}

function filesOf({ name, folder, place }: InstalledPackage): PayloadSource[] {
  return packageFiles(name, folder).map((file) => [
    path.join(place, file),
    path.join(folder, file),
  ]);
}

async function payloadFile([name, source]: PayloadSource): Promise<PayloadFile> {
  const { mode, size } = await lstat(source);
  return { path: name, source, mode: mode & 0o111 ? 0o755 : 0o644, sizeBytes: size };
}

function nameAndVersion({ name, version }: Pick<PinnedPackage, 'name' | 'version'>): string {
  return `${name}@${version}`;
}
