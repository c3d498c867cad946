// What of this installation of hearth a device needs: its own code, and its production dependencies
// as Node finds them from there, without what is only for building or for other machines.
// JavaScript is the same everywhere, so it is copied; native parts are taken for the target.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleTarget } from '../manifest.js';
import { BundleError } from './bundle-error.js';
import type { FetchPackage } from './npm-package.js';
import { NATIVE_PACKAGES, type PinnedPackage, VULKAN_PACKAGES } from './pinned-packages.js';

/** A file of the bundle, under its name there. */
export type SourceFile = { path: string; source: string };

export type AppRequest = {
  /** Of hearth, with its package.json. */
  root?: string;
  target: BundleTarget;
  hasVulkan: boolean;
  /** The compiled better-sqlite3 for the target. */
  sqliteAddon: string;
  fetch: FetchPackage;
};

/** Where `import` finds this hearth. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** Of our own: not the tests, and nothing that is only for writing and debugging code. */
const OWN_FOLDERS = ['dist'];
const OWN_FILES = ['package.json', 'LICENSE'];
const LEFT_OUT_OF_OWN = /^dist\/test\/|\.map$|\.d\.ts$|\.tsbuildinfo$/;
/** The same of others; what would be compiled is there compiled. */
const LEFT_OUT_OF_OTHERS = /\.map$|\.d\.[cm]?ts$|(^|\/)\.package-lock\.json$/;
const LEFT_OUT_OF_PACKAGE: Readonly<Record<string, RegExp>> = {
  'node-llama-cpp': /^llama\/(gitRelease\.bundle|addon|cmake|patches|profiles|toolchains|xpack)/,
  'better-sqlite3': /^(build|deps|src)\/|^binding\.gyp$/,
  koffi: /^(vendor|doc)\//,
};
const SQLITE = 'better-sqlite3';
const SQLITE_ADDON = 'build/Release/better_sqlite3.node';
/** Speeds up downloads, which a device makes none of, and is native. */
const UNNEEDED = new Set(['@reflink/reflink']);

/** In no order. Throws {@link BundleError} where a dependency is not installed. */
export async function appFiles(request: AppRequest): Promise<SourceFile[]> {
  const { root = PACKAGE_ROOT, sqliteAddon } = request;
  const own = await Promise.all([
    ...OWN_FOLDERS.map((folder) => filesBelow(path.join(root, folder), folder)),
    OWN_FILES.map((file) => ({ path: file, source: path.join(root, file) })),
  ]);
  const packages = await installedPackages(root);
  const files = await Promise.all(packages.map(packageFiles));
  const sqlite = packages.find(({ name }) => name === SQLITE);
  const addon = sqlite && [{ path: `${sqlite.at}/${SQLITE_ADDON}`, source: sqliteAddon }];
  return [
    ...own.flat().filter((file) => !LEFT_OUT_OF_OWN.test(file.path)),
    ...files.flat(),
    ...(addon ?? []),
    ...(await nativeFiles(request, packages)),
  ];
}

export type InstalledPackage = {
  name: string;
  version: string;
  folder: string;
  /** Its folder below the app's, `node_modules/name`. */
  at: string;
  dependencies: string[];
  /** Name and version of those that are native, for one system each. */
  natives: Record<string, string>;
};

/** hearth's production dependencies, and theirs, without native ones. */
export async function installedPackages(root: string): Promise<InstalledPackage[]> {
  const found = new Map<string, InstalledPackage>();
  const open = (await readPackage(root, root)).dependencies.map((name) => ({ name, from: root }));
  for (let next = open.pop(); next; next = open.pop()) {
    const folder = findPackage(next.name, next.from);
    if (folder === null)
      throw new BundleError(`${next.name}, which hearth needs, is not installed; run npm ci`);
    const installed = await readPackage(folder, root);
    const same = found.get(installed.at);
    if (same && same.folder !== folder)
      throw new BundleError(`${same.folder} and ${folder} would be one; install hearth by itself`);
    if (same) continue;
    found.set(installed.at, installed);
    open.push(...installed.dependencies.map((name) => ({ name, from: folder })));
  }
  return [...found.values()];
}

/** As Node looks for it. */
function findPackage(name: string, from: string): string | null {
  const folder = path.join(from, 'node_modules', name);
  if (existsSync(path.join(folder, 'package.json'))) return folder;
  const parent = path.dirname(from);
  return parent === from ? null : findPackage(name, parent);
}

type PackageJson = {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};

async function readPackage(folder: string, root: string): Promise<InstalledPackage> {
  const text = await readFile(path.join(folder, 'package.json'), 'utf8');
  const {
    name,
    version,
    dependencies = {},
    optionalDependencies = {},
  } = JSON.parse(text) as PackageJson;
  const optional = Object.entries(optionalDependencies);
  const isNative = ([name]: [string, string]) => /(linux|darwin|win32|mac|win)-/.test(name);
  const others = optional.filter((entry) => !isNative(entry)).map(([name]) => name);
  const present = others.filter((name) => !UNNEEDED.has(name) && findPackage(name, folder));
  return {
    name,
    version,
    folder,
    // Packages beside hearth's own folder, where npm has hoisted them, come below it.
    at: path.relative(root, folder).replace(/^(\.\.\/)+(node_modules\/)?/, 'node_modules/'),
    dependencies: [
      ...Object.keys(dependencies).filter((name) => !(name in optionalDependencies)),
      ...present,
    ],
    natives: Object.fromEntries(optional.filter(isNative)),
  };
}

async function packageFiles({ name, folder, at }: InstalledPackage): Promise<SourceFile[]> {
  const leftOut = LEFT_OUT_OF_PACKAGE[name];
  const files = await filesBelow(folder, at);
  return files.filter(({ path: file }) => {
    const inner = file.slice(at.length + 1);
    return !LEFT_OUT_OF_OTHERS.test(file) && !leftOut?.test(inner);
  });
}

async function nativeFiles(
  { target, hasVulkan, fetch }: AppRequest,
  packages: InstalledPackage[],
): Promise<SourceFile[]> {
  const vulkan = hasVulkan ? VULKAN_PACKAGES[target] : undefined;
  if (hasVulkan && !vulkan)
    throw new BundleError(`there is no llama.cpp with Vulkan for ${target}`);
  const pinned = [...NATIVE_PACKAGES[target], ...(vulkan ? [vulkan] : [])];
  const files = await Promise.all(pinned.map((each) => onePinned(each, packages, fetch)));
  return files.flat();
}

/** Installed here already, if this machine is like the target; else fetched. */
async function onePinned(
  pinned: PinnedPackage,
  packages: InstalledPackage[],
  fetch: FetchPackage,
): Promise<SourceFile[]> {
  const { name, version } = pinned;
  const user = packages.find(({ natives }) => name in natives);
  if (!user) return [];
  if (user.natives[name] !== version)
    throw new BundleError(
      `${user.name} needs ${name}@${user.natives[name]}, but ${version} is pinned; update pinned-packages.ts`,
    );
  const here = findPackage(name, user.folder);
  const folder = here && (await readPackage(here, here)).version === version ? here : null;
  const files = await filesBelow(folder ?? (await fetch(pinned)), `node_modules/${name}`);
  return files.filter(({ path: file }) => !LEFT_OUT_OF_OTHERS.test(file));
}

/** Regular files alone, and no packages of its own: these are looked for by name. */
async function filesBelow(folder: string, at: string): Promise<SourceFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const lists = entries.map(async (entry): Promise<SourceFile[]> => {
    const [source, inBundle] = [path.join(folder, entry.name), `${at}/${entry.name}`];
    if (entry.isFile()) return [{ path: inBundle, source }];
    const isOwn = entry.isDirectory() && entry.name !== 'node_modules';
    return isOwn ? await filesBelow(source, inBundle) : [];
  });
  return (await Promise.all(lists)).flat();
}
