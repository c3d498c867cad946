// What lies in an image or a bundle, as JSON beside or inside it: names, sizes, SHA-256, block map.
// Read from strangers: every field is checked before anything is done with it, names first of all.

import { parseJson } from '../terminal/parse-json.js';
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

const TEXT = { type: 'string', minLength: 1, description: 'a text' };
const COUNT = {
  type: 'integer',
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'a whole number',
};
const SHA256 = {
  type: 'string',
  pattern: '^[0-9a-f]{64}$',
  description: '64 lowercase hexadecimal digits',
};
// O_DIRECT writes whole sectors, and the largest are of 4096 bytes.
const BLOCK_BYTES = {
  ...COUNT,
  minimum: 4096,
  multipleOf: 4096,
  description: 'a multiple of 4096',
};
const FILE = { path: TEXT, size_bytes: COUNT, sha256: SHA256 };

const IMAGE_SCHEMAS = schemasOf('hearth-image', {
  target: { enum: IMAGE_TARGETS },
  image: object(FILE),
  block_map: object({
    block_bytes: BLOCK_BYTES,
    ranges: { type: 'array', items: object({ first: COUNT, last: COUNT, sha256: SHA256 }) },
  }),
  contents: { type: 'object' },
});

const BUNDLE_SCHEMAS = schemasOf('hearth-bundle', {
  target: { enum: BUNDLE_TARGETS },
  model: TEXT,
  files: { type: 'array', items: object({ ...FILE, mode: { enum: [0o644, 0o755] } }) },
});

/** What it is comes first: of another kind, all else is wrong, too. */
function schemasOf(kind: string, properties: Record<string, object>) {
  const head = { kind: only(kind), version: only(1) };
  return [{ type: 'object', properties: head }, object({ ...head, hearth: TEXT, ...properties })];
}

function object(properties: Record<string, object>) {
  return { type: 'object', properties, required: Object.keys(properties) };
}

function only(value: string | number) {
  return { const: value, description: `${JSON.stringify(value)}, which this hearth reads` };
}

/** Rejects with {@link ManifestError}, which calls the manifest `where`. */
export async function parseImageManifest(text: string, where: string): Promise<ImageManifest> {
  const manifest = (await parse(text, IMAGE_SCHEMAS, where)) as ImageManifest;
  const { image, block_map } = manifest;
  checkPath(image, where);
  const blocks = Math.ceil(image.size_bytes / block_map.block_bytes);
  for (const [i, { first, last }] of block_map.ranges.entries())
    if (first <= (block_map.ranges[i - 1]?.last ?? -1) || last < first || last >= blocks)
      throw new ManifestError(
        where,
        `range ${i + 1} is ${first} to ${last}; expected rising ranges within ${blocks} blocks`,
      );
  return manifest;
}

/** Rejects with {@link ManifestError}, which calls the manifest `where`. */
export async function parseBundleManifest(text: string, where: string): Promise<BundleManifest> {
  const manifest = (await parse(text, BUNDLE_SCHEMAS, where)) as BundleManifest;
  const seen = new Set<string>();
  for (const file of manifest.files) {
    checkPath(file, where);
    if (seen.has(file.path))
      throw new ManifestError(where, `lists ${JSON.stringify(file.path)} twice`);
    seen.add(file.path);
  }
  if (seen.has(manifest.model)) return manifest;
  const model = JSON.stringify(manifest.model);
  throw new ManifestError(where, `its model ${model} is not among its files`);
}

async function parse(text: string, schemas: object[], where: string): Promise<unknown> {
  const { findMistake } = await import('../terminal/schema-mistake.js');
  let manifest: unknown;
  try {
    manifest = parseJson(text);
  } catch (error) {
    throw new ManifestError(where, `is not JSON: ${(error as Error).message}`);
  }
  for (const schema of schemas) {
    const mistake = findMistake(schema, manifest);
    if (mistake !== null) throw new ManifestError(where, mistake);
  }
  return manifest;
}

function checkPath({ path }: ListedFile, where: string): void {
  const reason = unsafePathReason(path);
  if (reason) throw new ManifestError(where, `its path ${JSON.stringify(path)} ${reason}`);
}
