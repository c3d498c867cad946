// The frame of a benchmark: a folder for what it makes, which goes away however it ends, Ctrl-C included.
// A signal says when to stop; it measures nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { interruptible } from '../../terminal/interruptible.js';

type Work = (folder: string, signal: AbortSignal) => Promise<void>;

/** Runs `work` with a new folder below `parent`, and removes it. */
export async function inTemporaryFolder(work: Work, parent = os.tmpdir()): Promise<void> {
  await interruptible(async (signal) => {
    const folder = await mkdtemp(path.join(parent, 'hearth-bench-'));
    try {
      await work(folder, signal);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
