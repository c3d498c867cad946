// A pinned npm package, unpacked in hearth's cache: fetched by npm, as that knows registries, proxies
// and keys, and refused unless its SHA-512 is the pinned one.
// Only regular files are taken from the archive, and only under names that stay in their folder.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { unsafePathReason } from '../safe-path.js';
import { readTar } from '../tar-reader.js';
import { PayloadError, type PinnedPackage } from './pinned-packages.js';

const run = promisify(execFile);

/** The folder of the package; rejects with {@link PayloadError} where it cannot be had. */
export type FetchPackage = (pinned: PinnedPackage, signal?: AbortSignal) => Promise<string>;

/** From the cache, or from the registry that npm is set up for. */
export const fetchPackage: FetchPackage = async (pinned, signal) => {
  const folder = path.join(cacheFolder(), 'packages', folderName(pinned));
  if (existsSync(folder)) return folder;
  await mkdir(path.dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}.`);
  try {
    const archive = await download(pinned, work, signal);
    await checkIntegrity(archive, pinned);
    await unpack(archive, path.join(work, 'unpacked'));
    // Another run may have been first.
    await rename(path.join(work, 'unpacked'), folder).catch((error) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

/** `$XDG_CACHE_HOME/hearth`, for what can be fetched or built again. */
export function cacheFolder(): string {
  const root = process.env['XDG_CACHE_HOME'];
  const isSet = root !== undefined && path.isAbsolute(root);
  return path.join(isSet ? root : path.join(os.homedir(), '.cache'), 'hearth');
}

/** With the start of the hash, so that a new pin is a new folder. */
function folderName({ name, version, integrity }: PinnedPackage): string {
  const digest = createHash('sha256').update(integrity).digest('hex');
  return `${name.replaceAll('/', '+')}@${version}-${digest.slice(0, 12)}`;
}

async function download(
  { name, version }: PinnedPackage,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const words = ['pack', `${name}@${version}`, '--pack-destination', folder, '--ignore-scripts'];
  await run('npm', [...words, '--silent'], { cwd: folder, signal }).catch((cause) => {
    signal?.throwIfAborted();
    const said = String(cause.stderr || cause.message).trim();
    throw new PayloadError(
      `${name}@${version} could not be had from the npm registry: ${said.split('\n')[0]}; connect once, it is kept in ${cacheFolder()}`,
      { cause },
    );
  });
  const [archive] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'));
  if (!archive) throw new PayloadError(`npm pack ${name}@${version} wrote no archive`);
  return path.join(folder, archive);
}

async function checkIntegrity(archive: string, pinned: PinnedPackage): Promise<void> {
  const digest = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (`sha512-${digest}` === pinned.integrity) return;
  throw new PayloadError(
    `${pinned.name}@${pinned.version} from the npm registry has the hash sha512-${digest}, expected ${pinned.integrity}; do not use it`,
  );
}

/** Throws {@link PayloadError} for an archive whose names lead out of `folder`. */
export async function unpack(archive: string, folder: string): Promise<void> {
  const stream = createReadStream(archive).pipe(createGunzip());
  for await (const entry of readTar(stream, archive)) {
    if (entry.type === '5') continue;
    // Archives of npm have one folder at the top, whose name is of no matter.
    const inner = entry.path.split('/').slice(1).join('/');
    const reason = unsafePathReason(entry.path) ?? unsafePathReason(inner);
    if (entry.type !== '0' || reason !== null)
      throw new PayloadError(
        `${archive}: its entry ${JSON.stringify(entry.path)} ${reason ?? 'is not a regular file'}`,
      );
    const file = path.join(folder, inner);
    await mkdir(path.dirname(file), { recursive: true });
    const mode = entry.mode & 0o111 ? 0o755 : 0o644;
    await pipeline(Readable.from(entry.content), createWriteStream(file, { flags: 'wx', mode }));
  }
}
