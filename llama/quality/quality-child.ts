// The process that scores a text: loads the model, goes through the text chunk by chunk, tells how it
// did. What the first model held for likely goes to a file, and comes from there for the others, so
// that no two models and no whole text of logits are ever in memory. Prints nothing.
import { createHash } from 'node:crypto';
import { openModel } from '../libllama.js';
import { type MeasuringChild, takeTask } from '../measuring-child.js';
import { DivergenceTally, logSumExp, PerplexityTally } from './definitions.js';
import { openKeptRows } from './kept-rows.js';
import { logProbsOf } from './log-probs.js';
import type { ChunkMeans, Quality, QualityEvent, QualityTask } from './quality-protocol.js';
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
  using rows = openKeptRows(isSameSplit ? task.first : null, {
    nVocab: scorer.nVocab,
    nRows: nChunks * task.nCtx * 0.5,
  });
  const byChunk: ChunkMeans = { nll: [], kl: [], otherTop: [] };
  for (let chunk = 0; chunk < nChunks; chunk++) {
    const before = { nll: tally.sum, count: tally.count, ...divergence.sums };
    await send({ kind: 'chunk', done: chunk, of: nChunks });
    const start = chunk * task.nCtx;
    for (const { logits, token } of scorer.score(tokens.subarray(start, start + task.nCtx))) {
      const normaliser = logSumExp(logits);
      tally.add(normaliser - (logits[token] as number));
      rows.write?.(logProbsOf(logits, normaliser));
      if (rows.read) divergence.add(rows.read(), logits);
    }
    const count = tally.count - before.count;
    byChunk.nll.push((tally.sum - before.nll) / count);
    if (!rows.read) continue;
    byChunk.kl.push((divergence.sums.kl - before.kl) / count);
    byChunk.otherTop.push(1 - (divergence.sums.sameTop - before.sameTop) / count);
  }
  return {
    perplexity: tally.perplexity,
    byChunk,
    nChunks,
    nTokens: tally.count,
    tokensSha256,
    startsWithBos: scorer.startsWithBos,
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
