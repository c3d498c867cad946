// The process of a writing that is measured: what hearth prune does from a calibration on, without running the model.
// Takes a task in a file, prints what writing took as JSON.
import { readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openCompute } from '../../../llama/ggml-compute.js';
import { openCheckpoint } from '../../../model/checkpoint/checkpoint.js';
import type { FileType } from '../../../model/types/mixtures.js';
import { measureParts, productOf } from '../../../pruner/calibrated-model.js';
import { openCalibration } from '../../../pruner/calibration-file.js';
import { chooseWidths } from '../../../pruner/choose/choose-widths.js';
import { listParts, openDenseModel } from '../../../pruner/dense-model.js';
import { openScratch } from '../../../pruner/scratch.js';
import type { Stage } from '../../../pruner/stage.js';
import { StageClock } from '../../../pruner/stage-clock.js';
import { repairParts, writePruned } from '../../../pruner/write-pruned.js';

export type WriteTask = {
  checkpoint: string;
  calibration: string;
  layers: { first: number; last: number };
  ratio: number;
  type: FileType;
  output: string;
  folder: string;
};

export type Written = { durationMs: number; peakRssBytes: number };

const [, , taskPath = ''] = process.argv;
const task = JSON.parse(await readFile(taskPath, 'utf8')) as WriteTask;
const clock = new StageClock();
await prune(task, ({ name }) => clock.at(name));
const { durationMs, peakRssBytes } = clock.stop().find(({ name }) => name === 'write') as Written;
process.stdout.write(JSON.stringify({ durationMs, peakRssBytes } satisfies Written));

async function prune(
  { checkpoint, layers, ratio, type, output, folder, ...files }: WriteTask,
  onStage: (stage: Stage) => void,
): Promise<void> {
  const { signal } = new AbortController();
  const dense = openDenseModel(await openCheckpoint(checkpoint), null);
  const calibration = await openCalibration(files.calibration);
  const compute = openCompute({ threads: os.availableParallelism() });
  const scratchPath = path.join(folder, 'repaired');
  const scratch = openScratch(scratchPath);
  const tools = { dense, calibration, scratch, multiply: productOf(compute, signal) };
  const options = {
    ...{ checkpoint, lora: undefined, tokenizer: undefined, chatTemplate: 'llama-2', type, output },
    ...{ force: true, repair: 'bias' as const, signal, onStage },
  };
  const measured = await measureParts(options, tools, listParts(dense.model, layers));
  const widths = await chooseWidths(measured, {
    ...{ model: dense.model, checkpoint, type, uniform: null, meter: null, hasBiases: true },
    ...{ target: { kind: 'ratio', ratio } as const, headerBytes: 0 },
  });
  const repaired = await repairParts(options, tools, widths);
  await writePruned(options, { dense, calibration, repaired });
  scratch.close();
  await rm(scratchPath);
}
