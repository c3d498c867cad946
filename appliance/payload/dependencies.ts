// Which installed packages hearth needs when it runs: what package.json names, and what those name.
// Found as Node finds them, so a checkout and `npm install hearth` both work; no lock file is read.
// Packages for one platform are left to packages of their own; it reads only package.json files.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { PayloadError } from './pinned-packages.js';

export type InstalledPackage = {
  name: string;
  version: string;
  /** absolute, on this machine */
  folder: string;
  /** below the root of the payload: `node_modules/fastify/node_modules/ajv` */
  place: string;
};

type PackageJson = {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  os?: string[];
  cpu?: string[];
};

/** These build or download what is packed already; nothing loads them when hearth runs. */
const FOR_INSTALLING = new Set(['prebuild-install', 'node-gyp']);

/** hearth's production dependencies, by place. Throws {@link PayloadError} where one is missing. */
export function installedDependencies(packageRoot: string): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const pending = namesOf(packageRoot).map((name) => ({ name, from: packageRoot }));
  for (let wanted = pending.shift(); wanted; wanted = pending.shift()) {
    const folder = findPackage(wanted.name, wanted.from);
    if (folder === null) continue;
    const place = placeOf(folder, packageRoot);
    const known = found.get(place);
    if (known && known.folder !== folder)
      throw new PayloadError(
        `${folder} and ${known.folder} would both become ${place}; install hearth in a folder of its own`,
      );
    if (known) continue;
    const { name, version } = readPackage(folder);
    found.set(place, { name, version, folder, place });
    for (const next of namesOf(folder)) pending.push({ name: next, from: folder });
  }
  return [...found.values()].sort((a, b) => (a.place < b.place ? -1 : 1));
}

function namesOf(folder: string): string[] {
  const { dependencies, optionalDependencies } = readPackage(folder);
  const names = Object.keys({ ...dependencies, ...optionalDependencies });
  return names.filter((name) => !FOR_INSTALLING.has(name));
}

/** As `require` searches: upwards through node_modules. Null where it is not. */
export function findInstalled(name: string, from: string): string | null {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
    if (folder === path.dirname(folder)) return null;
  }
}

/**
 * Null for an optional one that is not here or for one platform only, such as llama.cpp for one machine;
 * systeminformation is for several.
 */
function findPackage(name: string, from: string): string | null {
  const found = findInstalled(name, from);
  const isOptional = readPackage(from).optionalDependencies?.[name] !== undefined;
  if (isOptional) return found && readPackage(found).cpu === undefined ? found : null;
  if (found) return found;
  throw new PayloadError(
    `the package ${name}, which ${from} needs, is not installed; run npm install`,
  );
}

/** hearth's own folder becomes the root, and what lies beside it moves into it. */
function placeOf(folder: string, packageRoot: string): string {
  const below = path.relative(packageRoot, folder);
  if (!below.startsWith('..')) return below;
  const [, beside] = folder.split(/\/node_modules\/(.*)/s);
  return path.join('node_modules', beside ?? path.basename(folder));
}

export function readPackage(folder: string): PackageJson {
  const file = path.join(realpathSync(folder), 'package.json');
  return JSON.parse(readFileSync(file, 'utf8')) as PackageJson;
}
