// The process that scores a text: loads the model, goes through the text chunk by chunk, tells how it
// did. What the first model held for likely goes to a file, and comes from there for the others, so
// that no two models and no whole text of logits are ever in memory. Prints nothing.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';
import { formatDisk } from '../../terminal/units.js';
import { openModel } from '../libllama.js';
import { type MeasuringChild, takeTask } from '../measuring-child.js';
import { DivergenceTally, logSumExp, PerplexityTally } from './definitions.js';
import { decodeRow, encodeRow, logProbsOf, rowBytes } from './log-probs.js';
import type { Quality, QualityEvent, QualityTask } from './quality-protocol.js';
import { openScorer, type Scorer } from './scorer.js';

takeTask<QualityTask, QualityEvent>(async (task, child) => {
  const model = await openModel(task.settings, child.onLog);
  const scorer = openScorer(model, task.nCtx);
  try {
    await child.send({ kind: 'scored', quality: await scoreText(scorer, task, child) });
  } finally {
    scorer.close();
  }
});

async function scoreText(
  scorer: Scorer,
  task: QualityTask,
  { send }: MeasuringChild<QualityEvent>,
): Promise<Quality> {
  const tokens = scorer.tokenize(task.text);
  const nChunks = countChunks(tokens.length, task);
  const tokensSha256 = createHash('sha256').update(tokens).digest('hex');
  const isSameSplit = task.tokensSha256 === null || task.tokensSha256 === tokensSha256;
  const [tally, divergence] = [new PerplexityTally(), new DivergenceTally()];
  using rows = openRows(
    isSameSplit ? task.first : null,
    nChunks * task.nCtx * 0.5 * rowBytes(scorer.nVocab),
  );
  for (let chunk = 0; chunk < nChunks; chunk++) {
    await send({ kind: 'chunk', done: chunk, of: nChunks });
    const start = chunk * task.nCtx;
    for (const { logits, token } of scorer.score(tokens.subarray(start, start + task.nCtx))) {
      const normaliser = logSumExp(logits);
      tally.add(normaliser - (logits[token] as number));
      rows.write?.(encodeRow(logProbsOf(logits, normaliser)));
      if (rows.read) divergence.add(decodeRow(rows.read(rowBytes(logits.length))), logits);
    }
  }
  return {
    perplexity: tally.perplexity,
    nChunks,
    nTokens: tally.count,
    tokensSha256,
    divergence: rows.read ? divergence.divergence : null,
  };
}

/** Whole ones alone; two at least, as llama-perplexity wants it. */
function countChunks(nTokens: number, { nCtx, maxChunks }: QualityTask): number {
  if (nTokens >= 2 * nCtx) return Math.min(maxChunks ?? nTokens, Math.floor(nTokens / nCtx));
  throw new Error(
    `the text is ${nTokens} tokens long, and perplexity with chunks of ${nCtx} needs ${2 * nCtx}; give a longer --text or a shorter --text-ctx`,
  );
}

type Rows = Disposable & {
  write?: (row: Uint8Array) => void;
  read?: (sizeBytes: number) => Uint8Array;
};

function openRows(first: QualityTask['first'], sizeBytes: number): Rows {
  if (first === null) return { [Symbol.dispose]: () => {} };
  if (first.kind === 'write') checkSpace(path.dirname(first.path), sizeBytes);
  const file = openSync(first.path, first.kind === 'write' ? 'w' : 'r', 0o600);
  const dispose = { [Symbol.dispose]: () => closeSync(file) };
  if (first.kind === 'write') return { ...dispose, write: (row) => writeAll(file, row) };
  return { ...dispose, read: (sizeBytes) => readAll(file, sizeBytes) };
}

function checkSpace(folder: string, neededBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize > neededBytes) return;
  throw new Error(
    `${folder} has ${formatDisk(bavail * bsize)} free, and KL divergence needs ${formatDisk(neededBytes)} there while it is measured; set TMPDIR to another folder, or take fewer --chunks`,
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
