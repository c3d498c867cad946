// What a device needs of hearth: Node, hearth's compiled code, its dependencies for that device alone.
// A list of files with where they come from, so that a bundle and an image hold the same.
// Copies nothing; the model and the configuration are for those who pack.
import { existsSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type InstalledPackage, installedDependencies } from './dependencies.js';
import { nativeSqlite } from './native-sqlite.js';
import { filesBelow, packageFiles } from './package-files.js';
import { PINNED_PACKAGES, type PinnedPackage } from './pinned-packages.js';
import { type FetchOptions, fetchPackage } from './registry-package.js';
import { PayloadError, type PayloadTarget } from './target.js';

export type PayloadFile = {
  /** below the folder that hearth is installed in, with slashes */
  path: string;
  /** absolute, on this machine */
  source: string;
  mode: 0o644 | 0o755;
  sizeBytes: number;
};

export type Payload = {
  target: PayloadTarget;
  /** sorted by path */
  files: PayloadFile[];
  /** `name@version` of what is in it, Node included, sorted */
  packages: string[];
};

export type PayloadOptions = FetchOptions & {
  /** llama.cpp for GPUs as well */
  hasVulkan?: boolean;
  /** the folder of hearth's package.json; this one's unless given */
  root?: string;
  fetch?: typeof fetchPackage;
};

/** Below the folder that hearth is installed in. */
export const PAYLOAD_NODE = 'bin/node';
export const PAYLOAD_CLI = 'dist/cli.js';

/**
 * Everything of hearth that `target` needs; what is not here comes from npm's registry, pinned, into
 * the cache. Rejects with {@link PayloadError}.
 */
export async function payload(
  target: PayloadTarget,
  options: PayloadOptions = {},
): Promise<Payload> {
  const { root = hearthRoot(), fetch = fetchPackage, hasVulkan = false } = options;
  const installed = installedDependencies(root);
  const pinned = PINNED_PACKAGES[target];
  if (hasVulkan && !pinned.vulkan)
    throw new PayloadError(`there is no llama.cpp with Vulkan for ${target}`);
  const wanted = [
    pinned.koffi,
    pinned.llama,
    ...(hasVulkan && pinned.vulkan ? [pinned.vulkan] : []),
  ];
  const nodeFolder = await fetch(pinned.node, options);
  const native = await Promise.all(
    wanted.map(async (each) => nativePackage(each, await fetch(each, options))),
  );
  const sqlite = installed.find(({ name }) => name === 'better-sqlite3') as InstalledPackage;
  const sources = new Map([
    ...['bin/node', 'LICENSE'].map(
      (file): Source => [
        file === 'LICENSE' ? 'bin/node.LICENSE' : file,
        path.join(nodeFolder, file),
      ],
    ),
    ...hearthFiles(root),
    ...[...installed, ...native].flatMap(filesOf),
  ]);
  const sqlitePart = `${sqlite.place}/build/Release/better_sqlite3.node`;
  sources.set(sqlitePart, await nativeSqlite(target, { ...sqlite, nodeFolder }, options));
  return {
    target,
    files: await Promise.all([...sources].sort(byPath).map(payloadFile)),
    packages: versionsOf([pinned.node, ...installed, ...native]),
  };
}

type Source = [path: string, source: string];

/** The folder of package.json, whether this runs from dist/ or not. */
function hearthRoot(): string {
  return fileURLToPath(new URL('../../../../', import.meta.url)).replace(/\/$/, '');
}

/** As npm publishes it, without what only a developer reads. */
function hearthFiles(root: string): Source[] {
  if (!existsSync(path.join(root, PAYLOAD_CLI)))
    throw new PayloadError(`${root} has no ${PAYLOAD_CLI}; run npm run build`);
  const compiled = filesBelow(path.join(root, 'dist'), (file) => file === 'test');
  const files = ['package.json', 'LICENSE', ...compiled.map((file) => path.join('dist', file))];
  return files.map((file) => [file, path.join(root, file)]);
}

function nativePackage(wanted: PinnedPackage, folder: string): InstalledPackage {
  return { ...wanted, folder, place: `node_modules/${wanted.name}` };
}

function filesOf({ name, folder, place }: InstalledPackage): Source[] {
  return packageFiles(name, folder).map((file) => [
    path.join(place, file),
    path.join(folder, file),
  ]);
}

function byPath([a]: Source, [b]: Source): number {
  return a < b ? -1 : 1;
}

async function payloadFile([name, source]: Source): Promise<PayloadFile> {
  const { mode, size } = await lstat(source);
  return { path: name, source, mode: mode & 0o111 ? 0o755 : 0o644, sizeBytes: size };
}

function versionsOf(packages: Pick<PinnedPackage, 'name' | 'version'>[]): string[] {
  return [...new Set(packages.map(({ name, version }) => `${name}@${version}`))].sort();
}
