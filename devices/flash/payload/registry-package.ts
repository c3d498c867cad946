// A pinned package from npm's registry, unpacked once into the user's cache.
// npm itself fetches it, with its proxies and mirrors; only a tarball with the pinned hash is unpacked.
// Installs nothing and runs no script of the package.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { PinnedPackage } from './pinned-packages.js';
import { PayloadError } from './target.js';

const run = promisify(execFile);

export type FetchOptions = { cache?: string; signal?: AbortSignal | undefined };

/** `$XDG_CACHE_HOME/hearth`, for what can be fetched or built again. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  return path.join(base, 'hearth');
}

/**
 * The folder with the package's files. Rejects with {@link PayloadError} where the registry does not
 * answer or its tarball is another one.
 */
export async function fetchPackage(
  pinned: PinnedPackage,
  { cache = cacheFolder(), signal }: FetchOptions = {},
): Promise<string> {
  const folder = path.join(cache, `${pinned.name.replace('/', '+')}-${pinned.version}`);
  if (await exists(path.join(folder, 'package.json'))) return folder;
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(path.join(cache, '.fetch-'));
  try {
    const tarball = await download(pinned, temporary, signal);
    await checkIntegrity(pinned, tarball);
    await run('tar', ['-xzf', tarball, '-C', temporary, '--no-same-owner'], { signal });
    // Another process may have been quicker, with the same files.
    await rename(path.join(temporary, 'package'), folder).catch(async (error) => {
      if (!(await exists(folder))) throw error;
    });
    return folder;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function download(
  { name, version }: PinnedPackage,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const words = ['pack', `${name}@${version}`, '--json', '--ignore-scripts'];
  try {
    const { stdout } = await run('npm', words, { cwd: folder, signal });
    // npm 10 prints a list of packages, npm 11 may print them by name.
    const [packed] = Object.values(JSON.parse(stdout)) as { filename: string }[];
    return path.join(folder, path.basename(packed?.filename ?? ''));
  } catch (error) {
    if (signal?.aborted) throw error;
    const { stderr = '', message } = error as { stderr?: string; message: string };
    const reason = /^npm error (?!code)(.+)$/m.exec(stderr)?.[1] ?? message.split('\n')[0];
    throw new PayloadError(`${name}@${version} cannot be had from npm's registry: ${reason}`);
  }
}

async function checkIntegrity({ name, version, integrity }: PinnedPackage, tarball: string) {
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(tarball)) hash.update(chunk);
  const found = `sha512-${hash.digest('base64')}`;
  if (found !== integrity)
    throw new PayloadError(
      `${name}@${version} from npm's registry is not the file that hearth was made with: expected ${integrity}, got ${found}`,
    );
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
