// The process that measures speed: loads the model into llama.cpp, runs point after point, tells of
// every repeat, ends. What llama-bench does, step by step, warm-up and cached depths included.
// Prints nothing.
import { processMemory, watchParent } from '../../runtime/engine/index.js';
import { type LlamaContext, type LlamaModel, openModel } from './llama.js';
import type { PoolBytes } from './memory-breakdown.js';
import { contextOf, type Point } from './points.js';
import type { SpeedEvent, SpeedMemory, SpeedTask } from './speed-protocol.js';

/** The KV cache of a depth, kept for the next repeat. */
type Kept = { nDepth: number; state: Uint8Array | null };

const kept: Kept = { nDepth: 0, state: null };

watchParent();
// Ctrl-C reaches the whole group; when to end is for the parent to say.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('message', (task: SpeedTask) => void run(task));

async function run({ settings, points, repeats }: SpeedTask): Promise<void> {
  const lines: string[] = [];
  try {
    const model = await openModel(settings, (line) => void lines.push(line));
    const { type: modelType, sizeBytes, nParams } = model;
    await send({ kind: 'loaded', modelType, sizeBytes, nParams });
    for (const [index, point] of points.entries()) await measurePoint(model, point, index, repeats);
    await send({ kind: 'done' });
  } catch (thrown) {
    // llama.cpp's log arrives by way of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    await send({ kind: 'log', lines });
    await send({ kind: 'failed', message: (thrown as Error).message });
  }
  process.exit();
}

async function measurePoint(
  model: LlamaModel,
  point: Point,
  index: number,
  repeats: number,
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
async function readMemory(model: LlamaModel, context: LlamaContext): Promise<SpeedMemory> {
  const { rssBytes, peakRssBytes } = processMemory();
  const keptBytes = kept.state?.length ?? 0;
  const breakdown = context.memory();
  return {
    rssBytes: rssBytes - keptBytes,
    peakRssBytes: peakRssBytes - keptBytes,
    deviceBytes: atLeast(await model.usedDeviceBytes(), breakdown?.device),
    breakdown,
  };
}

/** Some drivers count nothing. */
function atLeast(usedBytes: number | null, own: PoolBytes | undefined): number | null {
  if (usedBytes === null || own === undefined) return usedBytes;
  return Math.max(usedBytes, own.weightsBytes + own.kvBytes + own.computeBytes);
}

/** Resolves when the message has left: the next step may end this process. */
function send(event: SpeedEvent): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(event, undefined, undefined, () => resolve());
  });
}
