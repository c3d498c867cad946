// The process that tries prunings: one model in memory, in which the weights of pruned parts are set to
// what they would be, scored against what the unpruned model held for likely, and set back.
// No file is written and no model loaded for a trial. Chooses nothing.
import { closeSync, openSync, readSync } from 'node:fs';
import { loadNativeKernels } from '../../llama/ggml-kernels.js';
import { ggmlTypeById } from '../../llama/ggml-types.js';
import { openModel } from '../../llama/libllama.js';
import { type MeasuringChild, takeTask } from '../../llama/measuring-child.js';
import { DivergenceTally, logSumExp, PerplexityTally } from '../../llama/quality/definitions.js';
import { openKeptRows } from '../../llama/quality/kept-rows.js';
import { logProbsOf } from '../../llama/quality/log-probs.js';
import { openScorer, type Scorer } from '../../llama/quality/scorer.js';
import { findTensors, type SettableTensor } from '../../llama/weight-tensors.js';
import type { PartChange, Score, TrialEvent, TrialTask } from './trial-protocol.js';

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
    await runTrials(new TrialWeights(finder.tensors), scorer, tokens, task, child);
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

/** The loaded weights, and what they were before the first change. */
class TrialWeights {
  readonly #tensors: ReadonlyMap<string, SettableTensor>;
  readonly #originals = new Map<string, Uint8Array>();

  constructor(tensors: ReadonlyMap<string, SettableTensor>) {
    this.#tensors = tensors;
  }

  set(change: PartChange): void {
    const { ggufName, nRows, nCols, bias } = change;
    this.#write(`${ggufName}.weight`, spread(change), nRows, nCols);
    this.#write(`${ggufName}.bias`, bias ?? new Float32Array(nRows), 1, nRows);
  }

  restore(ggufName: string): void {
    for (const name of [`${ggufName}.weight`, `${ggufName}.bias`]) {
      const original = this.#originals.get(name);
      if (original) this.#find(name).write(original);
    }
  }

  #write(name: string, values: Float32Array, nRows: number, nCols: number): void {
    const tensor = this.#find(name);
    if (!this.#originals.has(name)) this.#originals.set(name, tensor.read());
    const type = ggmlTypeById(tensor.typeId);
    const bytes = new Uint8Array(tensor.sizeBytes);
    loadNativeKernels().toType(type as 'F32', values, bytes, nRows, nCols);
    tensor.write(bytes);
  }

  #find(name: string): SettableTensor {
    const tensor = this.#tensors.get(name);
    if (tensor) return tensor;
    throw new Error(`llama.cpp computes nothing with ${name}; a trial needs it`);
  }
}

/** The kept columns in their places, zeros between. */
function spread({ kept, nRows, nCols, columns }: PartChange): Float32Array {
  const packed = new Float32Array(nRows * kept.length);
  readFloats(columns, packed);
  const values = new Float32Array(nRows * nCols);
  for (let row = 0; row < nRows; row++)
    for (let i = 0; i < kept.length; i++)
      values[row * nCols + (kept[i] as number)] = packed[row * kept.length + i] as number;
  return values;
}

function readFloats({ filePath, offsetBytes }: PartChange['columns'], target: Float32Array): void {
  const file = openSync(filePath, 'r');
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  try {
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(file, bytes, done, bytes.length - done, offsetBytes + done);
      if (read === 0) throw new Error(`${filePath} ends too early; somebody else wrote to it`);
      done += read;
    }
  } finally {
    closeSync(file);
  }
}
