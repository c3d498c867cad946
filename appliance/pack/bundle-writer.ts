// Writes a bundle: a tar archive through zstd, the same bytes for the same files. Everything is hashed
// before, for the manifest that comes first, and held to that while it is copied.
import { spawn } from 'node:child_process';
import { createHash, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asOutputError, openOutput } from '../../terminal/output-file.js';
import { BundleError, type BundleFile, type BundleManifest, manifestText } from '../manifest.js';
import { SIGNATURE_SUFFIX, signText } from '../signature.js';
import { type BundleEntry, MANIFEST_NAME, sorted, TOP_FOLDER, textEntry } from './layout.js';
import { tarEnd, tarHeader, tarPadding } from './tar-writer.js';

/** Of zstd: most of what it can do, at the speed of a disk. */
const ZSTD_LEVEL = 10;
const RELEASE_DIGITS = 12;
const CHUNK_BYTES = 1 << 20;

export type WriteOptions = {
  output: string;
  force?: boolean;
  /** Another level gives other bytes. */
  zstdLevel?: number;
  signal?: AbortSignal;
  onBytes?(bytesDone: number, totalBytes: number): void;
};

type BundleRequest = WriteOptions & {
  entries: BundleEntry[];
  /** All but the list of files. */
  manifest: Omit<BundleManifest, 'files'>;
  signingKey: KeyObject | null;
  inputs: string[];
};

export type WrittenBundle = { manifest: BundleManifest; contentBytes: number };

/** Throws {@link BundleError} or OutputError; nothing is left of a bundle that failed. */
export async function writeBundle(request: BundleRequest): Promise<WrittenBundle> {
  const { output, inputs, force = false, signal, zstdLevel = ZSTD_LEVEL } = request;
  const file = await openOutput(output, { inputs, force });
  try {
    const { entries, manifest } = await listFiles(request);
    // One thread, for the same bytes everywhere.
    const words = ['-q', '-c', '--single-thread', `-${zstdLevel}`];
    const zstd = spawn('zstd', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = endOf(zstd);
    const archive = Readable.from(coalesced(archiveOf(request, { entries, manifest })));
    await Promise.all([
      ended,
      pipeline(archive, zstd.stdin, { ...(signal && { signal }) }),
      writeFile(file.handle, zstd.stdout),
    ]).finally(() => zstd.kill());
    await file.commit();
    return { manifest, contentBytes: contentBytesOf(manifest) };
  } catch (error) {
    throw asOutputError(error, output);
  } finally {
    await file.discard();
  }
}

type Listed = { entries: BundleEntry[]; manifest: BundleManifest };

/** With what install.sh checks by, and what it is called. */
async function listFiles({ entries, manifest, signal }: BundleRequest): Promise<Listed> {
  const files: BundleFile[] = [];
  for (const entry of entries) files.push(await listed(entry, signal));
  const sums = files.map(({ sha256, path }) => `${sha256}  ${path}\n`).join('');
  const release = createHash('sha256').update(sums).digest('hex').slice(0, RELEASE_DIGITS);
  const added = [
    textEntry('SHA256SUMS', sums),
    textEntry('bundle.env', `TARGET=${manifest.target}\nRELEASE=${release}\n`),
  ];
  const all = sorted([...entries, ...added]);
  const byPath = new Map(files.map((file) => [file.path, file]));
  for (const entry of added) byPath.set(entry.path, await listed(entry, signal));
  return {
    entries: all,
    manifest: { ...manifest, files: all.map(({ path }) => byPath.get(path) as BundleFile) },
  };
}

async function listed(entry: BundleEntry, signal?: AbortSignal): Promise<BundleFile> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of contentOf(entry)) {
    signal?.throwIfAborted();
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  const { path, mode } = entry;
  return { path, size_bytes: sizeBytes, sha256: hash.digest('hex'), mode };
}

async function* archiveOf(
  { signingKey, onBytes }: BundleRequest,
  { entries, manifest }: Listed,
): AsyncGenerator<Buffer> {
  const contentBytes = contentBytesOf(manifest);
  const text = manifestText(manifest);
  yield* whole(MANIFEST_NAME, Buffer.from(text));
  if (signingKey) yield* whole(`${MANIFEST_NAME}${SIGNATURE_SUFFIX}`, signText(text, signingKey));
  let bytesDone = 0;
  for (const [i, entry] of entries.entries()) {
    const { size_bytes: sizeBytes, sha256 } = manifest.files[i] as BundleFile;
    yield tarHeader({ path: `${TOP_FOLDER}/${entry.path}`, sizeBytes, mode: entry.mode });
    const hash = createHash('sha256');
    let entryBytes = 0;
    for await (const chunk of contentOf(entry)) {
      entryBytes += chunk.length;
      if (entryBytes > sizeBytes) break;
      hash.update(chunk);
      yield chunk;
      bytesDone += chunk.length;
      onBytes?.(bytesDone, contentBytes);
    }
    if (entryBytes !== sizeBytes || hash.digest('hex') !== sha256)
      throw new BundleError(`${entry.path} changed while it was packed; pack again`);
    yield tarPadding(sizeBytes);
  }
  yield tarEnd();
}

function contentBytesOf({ files }: BundleManifest): number {
  return files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
}

function* whole(name: string, content: Buffer): Generator<Buffer> {
  yield tarHeader({ path: `${TOP_FOLDER}/${name}`, sizeBytes: content.length, mode: 0o644 });
  yield content;
  yield tarPadding(content.length);
}

/** Most files are small, and a stream for each would take longer than reading them. */
async function* contentOf(entry: BundleEntry): AsyncGenerator<Buffer> {
  if (entry.kind === 'text') yield Buffer.from(entry.text);
  else if ((await stat(entry.source)).size <= CHUNK_BYTES) yield await readFile(entry.source);
  else yield* createReadStream(entry.source, { highWaterMark: CHUNK_BYTES });
}

/** The same bytes in fewer pieces. */
async function* coalesced(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const piece of pieces) {
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    heldBytes = 0;
  }
  yield Buffer.concat(held);
}

async function endOf(zstd: ReturnType<typeof spawn>): Promise<void> {
  const [status] = await once(zstd, 'close').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new BundleError('zstd is not installed; apt install zstd');
  });
  if (status !== 0) throw new BundleError(`zstd ended with ${status}`);
}
