// The process that measures speed: loads the model into llama.cpp, runs point after point, tells of
// every repeat, ends. What llama-bench does, step by step, warm-up and cached depths included.
import { type LlamaContext, type OpenModel, openModel } from '../../llama/libllama.js';
import { type MeasuringChild, takeTask } from '../../llama/measuring-child.js';
import type { PoolBytes } from '../../llama/memory-breakdown.js';
import { processMemory } from '../../runtime/engine/child/answer-cost.js';
import { contextOf, type MeasuredPoint } from './points.js';
import type { SpeedEvent, SpeedMemory, SpeedTask } from './speed-protocol.js';

/** The KV cache of a depth, kept for the next repeat. */
const kept: { nDepth: number; state: Uint8Array | null } = { nDepth: 0, state: null };

takeTask<SpeedTask, SpeedEvent>(async ({ settings, points, repeats }, { send, onLog }) => {
  const model = await openModel(settings, onLog);
  if (points.some(({ nGen }) => nGen > 0)) await model.tryThreads();
  await send({ kind: 'loaded', modelType: model.type });
  for (const [index, point] of points.entries())
    await measurePoint(model, { point, index, repeats, send });
});

type PointTask = {
  point: MeasuredPoint;
  index: number;
  repeats: number;
  send: MeasuringChild<SpeedEvent>['send'];
};

async function measurePoint(
  model: OpenModel,
  { point, index, repeats, send }: PointTask,
): Promise<void> {
  await send({ kind: 'begin', point: index, repeat: 0 });
  const context = model.openContext(contextOf(point));
  try {
    context.clear();
    context.prompt(point.nPrompt);
    context.generate(Math.min(point.nGen, 1));
    for (let repeat = 1; repeat <= repeats; repeat++) {
      await send({ kind: 'begin', point: index, repeat });
      context.clear();
      fill(context, point.nDepth);
      const sampleNs = timeNs(() => {
        context.prompt(point.nPrompt);
        context.generate(point.nGen);
      });
      await send({
        kind: 'sample',
        point: index,
        sampleNs,
        threads: model.threadsFor(point.nGen > 0 ? 1 : point.nPrompt),
        memory: await readMemory(model, context),
      });
    }
  } finally {
    context.close();
  }
}

/** Tokens before the point; their KV cache is computed once a depth, as that takes the longest. */
function fill(context: LlamaContext, nDepth: number): void {
  if (nDepth === 0) return;
  if (kept.nDepth === nDepth && kept.state && context.restore(kept.state)) return;
  context.clear();
  context.prompt(nDepth);
  kept.nDepth = nDepth;
  kept.state = context.save();
}

function timeNs(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

/** Without the copy that is kept of a cache, which no chat has. */
async function readMemory(model: OpenModel, context: LlamaContext): Promise<SpeedMemory> {
  const { rssBytes, peakRssBytes } = processMemory();
  const keptBytes = kept.state?.length ?? 0;
  const breakdown = context.memory();
  return {
    rssBytes: rssBytes - keptBytes,
    peakRssBytes: peakRssBytes - keptBytes,
    deviceBytes: atLeast(model.usedDeviceBytes(), breakdown?.device),
    breakdown,
  };
}

/** Some drivers count nothing. */
function atLeast(usedBytes: number | null, own: PoolBytes | undefined): number | null {
  if (usedBytes === null || own === undefined) return usedBytes;
  return Math.max(usedBytes, own.weightsBytes + own.kvBytes + own.computeBytes);
}
