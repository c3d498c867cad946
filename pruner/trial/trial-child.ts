// The process that tries prunings: one model in memory, in which the weights of pruned parts are set to
// what they would be, scored against what the unpruned model held for likely, and set back.
// No file is written and no model loaded for a trial. Chooses nothing.
import { openModel } from '../../llama/libllama.js';
import { type MeasuringChild, takeTask } from '../../llama/measuring-child.js';
import { DivergenceTally, logSumExp, PerplexityTally } from '../../llama/quality/definitions.js';
import { openKeptRows } from '../../llama/quality/kept-rows.js';
import { logProbsOf } from '../../llama/quality/log-probs.js';
import { openScorer, type Scorer } from '../../llama/quality/scorer.js';
import { findTensors } from '../../llama/weight-tensors.js';
import { readGgufFile } from '../../model/gguf/gguf-file.js';
import type { Score, TrialEvent, TrialTask } from './trial-protocol.js';
import { TrialWeights } from './trial-weights.js';

const PRUNED = /^blk\.\d+\.(attn_output|ffn_down)\.(weight|bias)$/;

takeTask<TrialTask, TrialEvent>(async (task, child) => {
  // Weights in an order that only the CPU's kernels know cannot be read back.
  const model = await openModel({ ...task.settings, keepsOrder: true }, child.onLog);
  const finder = findTensors(task.settings.libraries, PRUNED);
  const scorer = openScorer(model, task.nCtx, { evalCallback: finder.callback });
  try {
    const all = scorer.tokenize(task.text);
    const tokens = chunksOf(all, task);
    if (task.dense.kind === 'write') {
      const score = await scoreDense(scorer, tokens, task, child);
      await child.send({ kind: 'dense', ...score, nTextTokens: all.length });
    } else await warmUp(scorer, tokens, task);
    using weights = new TrialWeights(finder.tensors, await readGgufFile(task.settings.modelPath));
    await runTrials(weights, scorer, tokens, task, child);
  } finally {
    scorer.close();
    finder.close();
  }
});

/** So that the scheduler has shown all weights. */
async function warmUp(scorer: Scorer, tokens: Int32Array, { nCtx }: TrialTask): Promise<void> {
  for (const _ of scorer.score(tokens.subarray(0, nCtx))) break;
}

function chunksOf(tokens: Int32Array, { nCtx, chunks: { least, most } }: TrialTask): Int32Array {
  const whole = Math.floor(tokens.length / nCtx);
  if (whole < least)
    throw new Error(
      `the text that is held out to judge by is ${tokens.length} tokens long; expected at least ${least * nCtx}; give a longer --text`,
    );
  return tokens.subarray(0, Math.min(whole, most) * nCtx);
}

async function scoreDense(
  scorer: Scorer,
  tokens: Int32Array,
  { nCtx, dense }: TrialTask,
  { send }: MeasuringChild<TrialEvent>,
): Promise<{ meanNll: number; nTokens: number }> {
  const tally = new PerplexityTally();
  using rows = openKeptRows(dense, { nVocab: scorer.nVocab, nRows: tokens.length / 2 });
  for (let start = 0; start < tokens.length; start += nCtx) {
    await send({ kind: 'chunk', done: start / nCtx, of: tokens.length / nCtx });
    for (const { logits, token } of scorer.score(tokens.subarray(start, start + nCtx))) {
      const normaliser = logSumExp(logits);
      tally.add(normaliser - (logits[token] as number));
      rows.write?.(logProbsOf(logits, normaliser));
    }
  }
  return { meanNll: Math.log(tally.perplexity.value), nTokens: tally.count };
}

async function runTrials(
  weights: TrialWeights,
  scorer: Scorer,
  tokens: Int32Array,
  task: TrialTask,
  { send }: MeasuringChild<TrialEvent>,
): Promise<void> {
  for (const change of task.base) weights.set(change);
  for (const [index, changes] of task.trials.entries()) {
    for (const change of changes) weights.set(change);
    await send({ kind: 'score', index, score: scoreTrial(scorer, tokens, task) });
    for (const { ggufName } of changes) {
      weights.restore(ggufName);
      const base = task.base.find((change) => change.ggufName === ggufName);
      if (base) weights.set(base);
    }
  }
}

function scoreTrial(scorer: Scorer, tokens: Int32Array, { nCtx, dense }: TrialTask): Score {
  const tally = new PerplexityTally();
  const klByChunk: number[] = [];
  using rows = openKeptRows({ ...dense, kind: 'read' }, { nVocab: scorer.nVocab, nRows: 0 });
  for (let start = 0; start < tokens.length; start += nCtx) {
    const divergence = new DivergenceTally();
    for (const { logits, token } of scorer.score(tokens.subarray(start, start + nCtx))) {
      tally.add(logSumExp(logits) - (logits[token] as number));
      if (rows.read) divergence.add(rows.read(), logits);
    }
    klByChunk.push(divergence.divergence.meanKl.value);
  }
  const meanKl = klByChunk.reduce((sum, kl) => sum + kl, 0) / klByChunk.length;
  return { meanNll: Math.log(tally.perplexity.value), meanKl, klByChunk };
}
