// What lies in an image or a bundle, as JSON beside or inside it: names, sizes, SHA-256, block map.
// Read from strangers: every field is checked before anything is done with it, names first of all.
// Who vouches for a manifest is signature.ts; what to do with the files is for the commands.
import { isJsonObject } from '../model/checkpoint/bounded-json.js';
import { unsafePathReason } from './safe-path.js';

export const IMAGE_TARGETS = ['x64-uefi', 'arm64-uefi'] as const;
export const BUNDLE_TARGETS = ['linux-x64', 'linux-arm64'] as const;
/** `disk.img` has its manifest beside it as `disk.img.manifest.json`. */
export const MANIFEST_SUFFIX = '.manifest.json';
/** A bundle of 100,000 files has one of 20 MB. */
export const MAX_MANIFEST_BYTES = 64 << 20;

export type ImageTarget = (typeof IMAGE_TARGETS)[number];
export type BundleTarget = (typeof BUNDLE_TARGETS)[number];

/** Lowercase hexadecimal SHA-256. */
export type ListedFile = { path: string; size_bytes: number; sha256: string };

/** Blocks `first` to `last`, both included, as in bmap 2.0. */
export type BlockRange = { first: number; last: number; sha256: string };

/**
 * The blocks that count; the rest may hold anything, because nothing reads it before it is written.
 * The last block is cut where the image ends. Ranges rise and do not touch.
 */
export type BlockMap = { block_bytes: number; ranges: BlockRange[] };

export type ImageManifest = {
  kind: 'hearth-image';
  version: 1;
  /** Version of hearth that made it. */
  hearth: string;
  target: ImageTarget;
  /** The image as it lies on the disk, not compressed. */
  image: ListedFile;
  block_map: BlockMap;
  /** What it was built from, packages and their versions for example; nothing here is checked. */
  contents: Record<string, unknown>;
};

/** Regular files have a size and a hash; the mode is that of the archive's entry. */
export type BundleFile = ListedFile & { mode: number };

export type BundleManifest = {
  kind: 'hearth-bundle';
  version: 1;
  hearth: string;
  target: BundleTarget;
  /** Path of the model in `files`. */
  model: string;
  files: BundleFile[];
};

/** Thrown where a bundle cannot be made, or is not what it should be. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
  readonly code = 'HEARTH_BUNDLE';
}

/** Thrown for a manifest that is none, or that asks for what no honest one would. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
  readonly code = 'HEARTH_MANIFEST';

  constructor(where: string, problem: string) {
    super(`${where}: ${problem}`);
  }
}

/** The same manifest gives the same bytes; these are what is signed. */
export function manifestText(manifest: ImageManifest | BundleManifest): string {
  return `${JSON.stringify(manifest, null, 1)}\n`;
}

/** Throws {@link ManifestError}, which calls the manifest `where`. */
export function parseImageManifest(text: string, where: string): ImageManifest {
  const read = fieldsOf(parseJson(text, where), where);
  read.constant('kind', 'hearth-image');
  read.constant('version', 1);
  const image = listedFile(read.object('image'), `${where}: image`);
  return {
    kind: 'hearth-image',
    version: 1,
    hearth: read.text('hearth'),
    target: read.oneOf('target', IMAGE_TARGETS),
    image,
    block_map: blockMap(read.object('block_map'), image.size_bytes, `${where}: block_map`),
    contents: read.object('contents'),
  };
}

/** Throws {@link ManifestError}, which calls the manifest `where`. */
export function parseBundleManifest(text: string, where: string): BundleManifest {
  const read = fieldsOf(parseJson(text, where), where);
  read.constant('kind', 'hearth-bundle');
  read.constant('version', 1);
  const files = read.list('files').map((file, i) => bundleFile(file, `${where}: file ${i + 1}`));
  refuseTwice(files, where);
  return {
    kind: 'hearth-bundle',
    version: 1,
    hearth: read.text('hearth'),
    target: read.oneOf('target', BUNDLE_TARGETS),
    model: listedModel(read.text('model'), files, where),
    files,
  };
}

function listedFile(value: unknown, where: string): ListedFile {
  const read = fieldsOf(value, where);
  const path = read.text('path');
  const reason = unsafePathReason(path);
  if (reason) throw new ManifestError(where, `its path ${JSON.stringify(path)} ${reason}`);
  return { path, size_bytes: read.wholeNumber('size_bytes'), sha256: read.sha256('sha256') };
}

function bundleFile(value: unknown, where: string): BundleFile {
  const mode = fieldsOf(value, where).wholeNumber('mode');
  if (mode !== 0o644 && mode !== 0o755)
    throw new ManifestError(where, `mode is ${mode}; expected ${0o644} or ${0o755}`);
  return { ...listedFile(value, where), mode };
}

function refuseTwice(files: BundleFile[], where: string): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path)) throw new ManifestError(where, `lists ${JSON.stringify(path)} twice`);
    seen.add(path);
  }
}

function listedModel(model: string, files: BundleFile[], where: string): string {
  if (files.some(({ path }) => path === model)) return model;
  throw new ManifestError(where, `its model ${JSON.stringify(model)} is not among its files`);
}

function blockMap(value: unknown, sizeBytes: number, where: string): BlockMap {
  const read = fieldsOf(value, where);
  const blockBytes = read.wholeNumber('block_bytes');
  // O_DIRECT writes whole sectors, and the largest are of 4096 bytes.
  if (blockBytes < 4096 || blockBytes % 4096 !== 0)
    throw new ManifestError(where, `block_bytes is ${blockBytes}; expected a multiple of 4096`);
  const blocks = Math.ceil(sizeBytes / blockBytes);
  let next = 0;
  const ranges = read.list('ranges').map((range, i) => {
    const at = fieldsOf(range, `${where}: range ${i + 1}`);
    const [first, last] = [at.wholeNumber('first'), at.wholeNumber('last')];
    if (first < next || last < first || last >= blocks)
      throw new ManifestError(
        where,
        `range ${i + 1} is ${first} to ${last}; expected rising ranges within ${blocks} blocks`,
      );
    next = last + 1;
    return { first, last, sha256: at.sha256('sha256') };
  });
  return { block_bytes: blockBytes, ranges };
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ManifestError(where, `is not JSON: ${(error as Error).message}`);
  }
}

/** Readers of one object's fields, each of which throws where the field is not what it must be. */
function fieldsOf(value: unknown, where: string) {
  if (!isJsonObject(value))
    throw new ManifestError(where, `is ${describe(value)}; expected an object`);
  const get = <T>(name: string, isRight: (field: unknown) => boolean, expected: string): T => {
    const field = Object.hasOwn(value, name) ? value[name] : undefined;
    if (isRight(field)) return field as T;
    throw new ManifestError(where, `${name} is ${describe(field)}; expected ${expected}`);
  };
  const isCount = (field: unknown) => Number.isSafeInteger(field) && (field as number) >= 0;
  const isText = (field: unknown) => typeof field === 'string' && field !== '';
  const isHash = (field: unknown) => typeof field === 'string' && /^[0-9a-f]{64}$/.test(field);
  return {
    constant: (name: string, wanted: string | number) =>
      get(name, (field) => field === wanted, `${JSON.stringify(wanted)}, which this hearth reads`),
    text: (name: string) => get<string>(name, isText, 'a text'),
    wholeNumber: (name: string) => get<number>(name, isCount, 'a whole number'),
    sha256: (name: string) => get<string>(name, isHash, '64 lowercase hexadecimal digits'),
    list: (name: string) => get<unknown[]>(name, Array.isArray, 'a list'),
    object: (name: string) => get<Record<string, unknown>>(name, isJsonObject, 'an object'),
    oneOf: <T extends string>(name: string, choices: readonly T[]) =>
      get<T>(name, (field) => choices.includes(field as T), choices.join(' or ')),
  };
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
