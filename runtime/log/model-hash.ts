// The SHA-256 of a model file, read once and then remembered in the log.
// A 4 GB file takes half a minute on a board: an unchanged path, size and time is not read again.
// It writes nothing; recordModel and identifyModel do.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { AnswerLog } from './answer-log.js';

const CHUNK_BYTES = 2 ** 20;

/** The SHA-256 of `path` in hex. Throws the file system's errors. */
export async function hashModelFile(
  log: Pick<AnswerLog, 'knownHash'>,
  path: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const known = log.knownHash({ path, sizeBytes: size, modifiedAtMs: mtimeMs });
  if (known) return known;
  const hash = createHash('sha256');
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  await pipeline(file, hash, signal ? { signal } : {});
  return hash.digest('hex');
}
