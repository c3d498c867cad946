// The SHA-256 of a model file, read once and then remembered in the log.
// A 4 GB file takes half a minute on a board: an unchanged path, size and time is not read again.
// It is read in small bites, between answers where it can.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerLog } from './answer-log.js';

const CHUNK_BYTES = 2 ** 20;
/** Done before anyone is held up by it, and before a run of one answer ends. */
const SMALL_BYTES = 16 * CHUNK_BYTES;
const REST_PER_WORK = 9;
/**
 * llama.cpp's threads spin while one of them waits for a core, so a prompt took a third longer beside
 * this. But a device that is asked all day has a hash at some time, too.
 */
const MAX_PAUSE_MS = 1000;
const LOOK_EVERY_MS = 100;

/**
 * The SHA-256 of `path` in hex. Where it is told whether answers are under way, it leaves them the
 * machine; else it takes a core until it is done. Throws the file system's errors.
 */
export async function hashModelFile(
  log: Pick<AnswerLog, 'knownHash'>,
  path: string,
  { signal, isBusy }: { signal?: AbortSignal; isBusy?: () => boolean } = {},
): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const known = log.knownHash({ path, sizeBytes: size, modifiedAtMs: mtimeMs });
  if (known) return known;
  const hash = createHash('sha256');
  const abortable = signal ? { signal } : {};
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, ...abortable })) {
    const start = performance.now();
    hash.update(chunk);
    if (!isBusy || size <= SMALL_BYTES) continue;
    await sleep(REST_PER_WORK * (performance.now() - start), undefined, abortable);
    for (let pausedMs = 0; isBusy() && pausedMs < MAX_PAUSE_MS; pausedMs += LOOK_EVERY_MS)
      await sleep(LOOK_EVERY_MS, undefined, abortable);
  }
  return hash.digest('hex');
}
