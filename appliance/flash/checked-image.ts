// The image before anything is written: read to its end once, and held to its manifest.
// Writing compares with what was read here, so an image that changes meanwhile is noticed.
// Without a manifest, only what is read can be said: the size and the SHA-256.
import { createHash, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { formatDisk } from '../../terminal/units.js';
import {
  type ImageManifest,
  type ImageTarget,
  MANIFEST_SUFFIX,
  MAX_MANIFEST_BYTES,
  ManifestError,
  parseImageManifest,
} from '../manifest.js';
import { openPackedFile, type PackedFile } from '../packed-file.js';
import { checkSignature, SIGNATURE_SUFFIX } from '../signature.js';
import { alignedBuffer } from './device-file.js';
import { badImage, FlashError } from './flash-error.js';
import { type HashedSpan, SpanHashes, spansOfAll, spansOfMap } from './spans.js';

/** What is read and written at a time. */
export const CHUNK_BYTES = 4 << 20;

export type CheckedImage = {
  path: string;
  sizeBytes: number;
  sha256: string;
  /** What is written of it, and no more. */
  spans: HashedSpan[];
  manifest: ImageManifest | null;
};

export type ImageRequest = {
  imagePath: string;
  /** Where given, the manifest has to be signed by its owner. */
  publicKey?: KeyObject | null;
  /** Where given, the manifest has to be of an image for it. */
  imageTarget?: ImageTarget | null | undefined;
  signal?: AbortSignal;
  onProgress?(progress: FlashProgress): void;
};

export type FlashProgress = {
  step: 'check' | 'write' | 'verify';
  bytesDone: number;
  /** Null where a compressed image does not say. */
  totalBytes: number | null;
};

/** Throws {@link FlashError}, ManifestError or SignatureError where the image is not to be written. */
export async function checkImage(request: ImageRequest, limitBytes: number): Promise<CheckedImage> {
  const { imagePath: path } = request;
  const manifest = await readManifest(request);
  const reader = await openPackedFile(path, badImage);
  try {
    const sizeBytes = manifest?.image.size_bytes ?? reader.sizeBytes;
    refuseLarge(path, sizeBytes, limitBytes);
    const read = await readWhole(reader, { ...request, manifest, sizeBytes, limitBytes });
    if (manifest) refuseDifferent(path, manifest, read);
    return { path, manifest, ...read };
  } finally {
    await reader.close();
  }
}

/** Null where there is none and none is asked for. */
async function readManifest({
  imagePath: image,
  publicKey,
  imageTarget: target,
}: ImageRequest): Promise<ImageManifest | null> {
  const file = `${image.replace(/\.(zst|xz)$/, '')}${MANIFEST_SUFFIX}`;
  const bytes = await readIfThere(file);
  const needs = publicKey ? 'a key' : target ? 'a target' : null;
  if (!bytes && needs)
    throw badImage(`${image} has no ${path.basename(file)}, but ${needs} was given`);
  if (!bytes) return null;
  if (publicKey) {
    const signature = await readIfThere(`${file}${SIGNATURE_SUFFIX}`);
    checkSignature(bytes, { signature, publicKey, where: file });
  }
  const manifest = await parseImageManifest(bytes.toString(), file);
  if (target && manifest.target !== target)
    throw badImage(`${image} is for ${manifest.target}, not for ${target}`);
  return manifest;
}

async function readIfThere(file: string): Promise<Buffer | null> {
  try {
    const { size } = await stat(file);
    if (size > MAX_MANIFEST_BYTES) throw new ManifestError(file, `has ${size} bytes`);
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

type ImageReading = ImageRequest & {
  manifest: ImageManifest | null;
  sizeBytes: number | null;
  limitBytes: number;
};
type Read = Pick<CheckedImage, 'sizeBytes' | 'sha256' | 'spans'>;

async function readWhole(reader: PackedFile, request: ImageReading): Promise<Read> {
  const { manifest, sizeBytes, limitBytes, signal, onProgress } = request;
  const whole = createHash('sha256');
  const spans = new SpanHashes(
    manifest
      ? spansOfMap(manifest.block_map, manifest.image.size_bytes)
      : spansOfAll(sizeBytes ?? limitBytes),
  );
  const chunk = alignedBuffer(CHUNK_BYTES);
  let bytesDone = 0;
  for (let length = chunk.length; length === chunk.length; ) {
    signal?.throwIfAborted();
    length = await reader.read(chunk);
    bytesDone += length;
    refuseLarge(request.imagePath, bytesDone, limitBytes);
    whole.update(chunk.subarray(0, length));
    spans.update(chunk.subarray(0, length));
    onProgress?.({ step: 'check', bytesDone, totalBytes: sizeBytes });
  }
  return { sizeBytes: bytesDone, sha256: whole.digest('hex'), spans: spans.finish() };
}

function refuseLarge(image: string, sizeBytes: number | null, limitBytes: number): void {
  if (sizeBytes === null || sizeBytes <= limitBytes) return;
  throw new FlashError(
    'too-small',
    `${image} needs ${formatDisk(sizeBytes)} or more, the device holds ${formatDisk(limitBytes)}`,
  );
}

function refuseDifferent(file: string, manifest: ImageManifest, read: Read): void {
  const { size_bytes: sizeBytes, sha256 } = manifest.image;
  const fail = (problem: string) =>
    badImage(`${file} is not what its manifest says: ${problem}; get it again`);
  if (read.sizeBytes !== sizeBytes)
    throw fail(`it has ${read.sizeBytes} bytes, expected ${sizeBytes}`);
  if (read.sha256 !== sha256) throw fail(`its SHA-256 is ${read.sha256}, expected ${sha256}`);
  const listed = spansOfMap(manifest.block_map, sizeBytes);
  const wrong = listed.findIndex((span, i) => span.sha256 !== read.spans[i]?.sha256);
  if (wrong >= 0) throw fail(`range ${wrong + 1} of its block map has another SHA-256`);
}
