// The memory of the whole program while it serves, against what the model alone takes.
// Asked from the kernel for both processes; the model's share is the backend's own accounting,
// as it stands in the log.
import { openLogReader } from '../../../runtime/log/log-reader.js';
import { type Figure, figure } from '../figure.js';
import { streamChat, user } from './client.js';
import { HearthProcess } from './hearth-process.js';
import type { ProgramMemory } from './program-memory.js';
import { type BenchModel, question, type Setting } from './setting.js';

export async function measureMemory(setting: Setting): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const model of setting.models) figures.push(await measureModel(model, setting));
  return figures;
}

const MIB = 2 ** 20;
const N_CTX = 2048;
const PARALLEL = 4;
const ANSWERS = 20;
/** Beyond a tenth of what the model takes: two runtimes of Node, the server, the log. */
const PROGRAM_BYTES = 150 * MIB;

async function measureModel(model: BenchModel, setting: Setting): Promise<Figure> {
  const log = `${setting.folder}/memory-${model.name}.db`;
  const load = { modelPath: model.path, threads: setting.threads, nCtx: N_CTX, parallel: PARALLEL };
  await using hearth = await HearthProcess.start({ ...load, log });
  const peak = { rssBytes: 0, summedRssBytes: 0 };
  for (let round = 0; round < ANSWERS / PARALLEL; round++) {
    setting.signal.throwIfAborted();
    const answers = Array.from({ length: PARALLEL }, (_, client) =>
      streamChat({
        url: hearth.url,
        messages: user(question(round, client)),
        maxTokens: model.answerTokens,
        onFirstText: () => keepPeak(peak, hearth.memory()),
      }),
    );
    await Promise.all(answers);
    keepPeak(peak, hearth.memory());
  }
  await hearth.stop();
  const modelBytes = readModelBytes(log);
  return figure({
    part: 'memory',
    what: 'RSS of the whole program in MiB, serving',
    model: model.name,
    value: peak.rssBytes / MIB,
    bar: { kind: 'at-most', value: (1.1 * modelBytes + PROGRAM_BYTES) / MIB },
    details: { model_mib: modelBytes / MIB, sum_of_rss_mib: peak.summedRssBytes / MIB },
  });
}

function keepPeak(peak: ProgramMemory, now: ProgramMemory): void {
  peak.rssBytes = Math.max(peak.rssBytes, now.rssBytes);
  peak.summedRssBytes = Math.max(peak.summedRssBytes, now.summedRssBytes);
}

/** Weights, KV cache and compute buffers of the run. */
function readModelBytes(log: string): number {
  const reader = openLogReader({ path: log });
  try {
    const [row] = reader.query('SELECT weights_bytes + kv_bytes + compute_bytes AS bytes FROM run');
    return Number(row?.['bytes']);
  } finally {
    reader.close();
  }
}
