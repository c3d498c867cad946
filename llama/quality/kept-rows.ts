// What the first model held for likely, position after position, in a file: written by it, read by the
// next ones in the same order, so that no two models are in memory at once.
// Knows no text and no chunks.
import { closeSync, openSync, readSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';
import { formatDisk } from '../../terminal/units.js';
import { decodeRow, encodeRow, type LogProbs, rowBytes } from './log-probs.js';

export type RowsFile = { kind: 'write' | 'read'; path: string };

/** Neither writes nor reads without a file. */
export type KeptRows = Disposable & {
  write?: (row: LogProbs) => void;
  read?: () => LogProbs;
};

/** Throws where the disk has no room for `nRows` rows of `nVocab` tokens. */
export function openKeptRows(
  rows: RowsFile | null,
  { nVocab, nRows }: { nVocab: number; nRows: number },
): KeptRows {
  if (rows === null) return { [Symbol.dispose]: () => {} };
  if (rows.kind === 'write') checkSpace(path.dirname(rows.path), nRows * rowBytes(nVocab));
  const file = openSync(rows.path, rows.kind === 'write' ? 'w' : 'r', 0o600);
  const dispose = { [Symbol.dispose]: () => closeSync(file) };
  if (rows.kind === 'write') return { ...dispose, write: (row) => writeAll(file, encodeRow(row)) };
  return { ...dispose, read: () => decodeRow(readAll(file, rowBytes(nVocab))) };
}

function checkSpace(folder: string, neededBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize > neededBytes) return;
  throw new Error(
    `${folder} has ${formatDisk(bavail * bsize)} free, and KL divergence needs ${formatDisk(neededBytes)} there while it is measured; set TMPDIR to a folder on another disk, or measure fewer chunks`,
  );
}

function writeAll(file: number, row: Uint8Array): void {
  for (let done = 0; done < row.length; ) done += writeSync(file, row, done);
}

function readAll(file: number, sizeBytes: number): Uint8Array {
  const row = new Uint8Array(sizeBytes);
  for (let done = 0; done < sizeBytes; ) {
    const count = readSync(file, row, done, sizeBytes - done, null);
    if (count === 0) throw new Error("the first model's figures end too early");
    done += count;
  }
  return row;
}
