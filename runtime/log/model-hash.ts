// The SHA-256 of a model file, read once and then remembered in the log.
// A 4 GB file takes half a minute on a board: an unchanged path, size and time is not read again.
// It is read in small bites, beside the first answers; it writes nothing, identifyModel does.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerLog } from './answer-log.js';

const CHUNK_BYTES = 2 ** 20;
/** It rests nine times as long as it works; without that, the first answer took a quarter longer. */
const REST_PER_WORK = 9;

/**
 * The SHA-256 of `path` in hex; `atRest: false` takes a core until it is done, for who has nothing
 * beside it to spare. Throws the file system's errors.
 */
export async function hashModelFile(
  log: Pick<AnswerLog, 'knownHash'>,
  path: string,
  { signal, atRest = true }: { signal?: AbortSignal; atRest?: boolean } = {},
): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const known = log.knownHash({ path, sizeBytes: size, modifiedAtMs: mtimeMs });
  if (known) return known;
  const hash = createHash('sha256');
  const abortable = signal ? { signal } : {};
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, ...abortable })) {
    const start = performance.now();
    hash.update(chunk);
    if (!atRest) continue;
    await sleep(REST_PER_WORK * (performance.now() - start), undefined, abortable);
  }
  return hash.digest('hex');
}
