// The process that calibrates: loads the model, computes the text chunk by chunk, pass by pass, and fills
// the file that it is given. Prints nothing.
import { allocateBatch, type LlamaBatch } from '../../llama/batch.js';
import { openGramComputer } from '../../llama/gram-matrix.js';
import { type LlamaContext, openModel } from '../../llama/libllama.js';
import { type MeasuringChild, takeTask } from '../../llama/measuring-child.js';
import { N_UBATCH } from '../../llama/model-settings.js';
import { type RegisteredListener, registerListener } from '../../llama/weight-inputs.js';
import type { CalibrateEvent, CalibrateTask, CutTask } from './calibrate-protocol.js';
import { type CalibrationSize, openCalibrationWriter } from './calibration-writer.js';
import { InputCollector } from './input-collector.js';
import { planPasses } from './passes.js';
import { type Chunk, cutChunks, heldOutRows } from './text-chunks.js';
import { TextLikelihood } from './text-likelihood.js';

takeTask<CalibrateTask, CalibrateEvent>(async (task, child) => {
  const { settings } = task;
  const passes = planPasses(task.cuts, task.gramBytes);
  const model = await openModel(settings, child.onLog);
  const options = { ...task, bos: model.vocab.bos };
  const tokens = model.vocab.tokenize(task.text);
  const chunks = cutChunks(tokens, options);
  const heldOut = heldOutRows(options);
  const size = sizeOf(chunks, heldOut.perChunk);
  await child.send({ kind: 'tokens', nTokens: size.nTokens });
  const writer = openCalibrationWriter(task, size);
  const grams = passes.flat().length > 0 ? openGramComputer(settings) : null;
  const collector = new InputCollector({ ...task, writer, grams, heldOut });
  const listener = registerListener(settings.libraries, collector);
  const context = model.openContext(task.chunkSize, { evalCallback: listener.callback });
  const sizes = { nTokens: tokens.length, nVocab: model.vocab.nTokens };
  const likelihood = new TextLikelihood(task.text, sizes);
  const scored = { likelihood, nChunks: Math.min(task.nScored, chunks.length) };
  await computePasses(
    { passes, chunks, collector, scored, run: runner(context, collector, listener) },
    child,
  );
  collector.finish();
  writer.close();
  await child.send({
    kind: 'calibrated',
    nChunks: size.nChunks,
    nTokens: size.nTokens,
    nPasses: passes.length,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  });
});

function sizeOf(chunks: readonly Chunk[], rowsPerChunk: number): CalibrationSize {
  const held = chunks.filter(({ heldOut }) => heldOut !== null);
  const nTokens = countTokens(chunks);
  return {
    nChunks: chunks.length,
    nTokens,
    nSummed: nTokens - countTokens(held),
    nHeldOutRows: held.length * rowsPerChunk,
  };
}

function countTokens(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

type Passes = {
  passes: CutTask[][];
  chunks: Chunk[];
  collector: InputCollector;
  scored: { likelihood: TextLikelihood; nChunks: number };
  run: (chunk: Chunk, likelihood: TextLikelihood | null) => void;
};

async function computePasses(
  { passes, chunks, collector, scored, run }: Passes,
  { send }: MeasuringChild<CalibrateEvent>,
): Promise<void> {
  const summed = chunks.filter(({ heldOut }) => heldOut === null);
  for (const [pass, cuts] of passes.entries()) {
    const own = pass === 0 ? chunks : summed;
    collector.startPass(cuts, pass === 0);
    for (const [done, chunk] of own.entries()) {
      await send({ kind: 'chunk', done, of: own.length, pass, nPasses: passes.length });
      const isScored = pass === 0 && done < scored.nChunks;
      run(chunk, isScored ? scored.likelihood : null);
      if (isScored && done + 1 === scored.nChunks)
        await send({ kind: 'likelihood', natsPerByte: scored.likelihood.natsPerByte });
    }
    collector.finishPass();
  }
}

/** Computes a chunk from an empty context, one graph at a time, so that the collector knows where it is. */
function runner(
  context: LlamaContext,
  collector: InputCollector,
  listener: RegisteredListener,
): Passes['run'] {
  const batch = allocateBatch(N_UBATCH, { picksLogits: true });
  // Of a token whose logits nobody wants, llama.cpp leaves the last layer out.
  batch.wanted?.fill(1);
  return (chunk, likelihood) => {
    context.clear();
    for (let start = 0; start < chunk.tokens.length; start += N_UBATCH) {
      collector.startBatch({ chunk, start, isWhole: likelihood !== null });
      const part = chunk.tokens.subarray(start, start + N_UBATCH);
      computePart({ context, batch, listener }, part);
      likelihood?.add(context.logits(part.length), chunk.tokens, start);
    }
  };
}

function computePart(
  {
    context,
    batch,
    listener,
  }: { context: LlamaContext; batch: LlamaBatch; listener: RegisteredListener },
  tokens: Int32Array,
): void {
  batch.tokens.set(tokens);
  context.decode(batch, tokens.length);
  listener.rethrow();
}
