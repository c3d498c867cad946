// Prune's one pass over the weights against hearth convert of the unpruned model, with the same type and importance
// matrix, in turns. The pass runs as in hearth prune, in a process that has chosen and repaired before; what runs
// llama.cpp there, and takes most of the time, is left out. Repairs are biases: their matrices take no time.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { median } from '../../median.js';
import { alternate } from '../alternate.js';
import { type Figure, figure } from '../figure.js';
import { hearth, MIB, runNode, type Setting, TEMPLATE } from './setting.js';
import type { WriteTask, Written } from './write-child.js';

/** Of a matrix by which only time is measured. */
const TOKENS = 1024;

type Turn = { written: Written; convertMs: number };

export async function measureWriting(setting: Setting): Promise<Figure[]> {
  const { model, rounds, note } = setting;
  const calibration = await calibrate(setting);
  const turns: Turn[] = [];
  for (let round = 0; round < rounds; round++) {
    note(`turn ${round + 1} of ${rounds}`);
    const [written, convertMs] = await alternate(
      round,
      () => write(setting, calibration),
      () => convert(setting, calibration),
    );
    turns.push({ written, convertMs });
  }
  const writeMs = median(turns.map(({ written }) => written.durationMs));
  const convertMs = median(turns.map((turn) => turn.convertMs));
  const bytes = Math.max(...turns.map(({ written }) => written.peakRssBytes));
  return [
    figure({
      ...{ part: 'writing', model, what: 'time of the pass that writes over hearth convert' },
      ...{ value: writeMs / convertMs, bar: { kind: 'at-most', value: 1.5 } },
      details: { write_s: writeMs / 1000, convert_s: convertMs / 1000, turns: rounds },
    }),
    figure({
      ...{ part: 'writing', model, what: 'MiB of the process while it writes, at most' },
      ...{ value: bytes / MIB, bar: { kind: 'at-most', value: 512 } },
      details: {},
    }),
  ];
}

/** Its importance matrix is for both. */
async function calibrate(setting: Setting): Promise<string> {
  const { checkpoint, folder, note } = setting;
  const file = (name: string) => path.join(folder, name);
  note('the model as a GGUF, and its calibration');
  const dense = file('dense.gguf');
  await hearth(['convert', checkpoint, '-o', dense, '--type', 'F16', ...TEMPLATE], setting);
  const calibration = file('calibration.gguf');
  const of = ['--tokens', String(TOKENS), '--gpu', 'off'];
  await hearth(['calibrate', dense, '-o', calibration, ...of], setting);
  return calibration;
}

async function write(setting: Setting, calibration: string): Promise<Written> {
  const { checkpoint, layers, ratio, type, folder } = setting;
  const task: WriteTask = {
    ...{ checkpoint, calibration, layers, ratio, type, folder },
    output: path.join(folder, 'pruned.gguf'),
  };
  const taskPath = path.join(folder, 'task.json');
  await writeFile(taskPath, JSON.stringify(task));
  const script = path.join(import.meta.dirname, 'write-child.js');
  const { stdout } = await runNode([script, taskPath], setting);
  return JSON.parse(stdout) as Written;
}

async function convert(setting: Setting, calibration: string): Promise<number> {
  const { checkpoint, folder, type } = setting;
  const output = path.join(folder, 'converted.gguf');
  const how = ['--type', type, '--imatrix', calibration, '--force', '--json', ...TEMPLATE];
  const { stdout } = await hearth(['convert', checkpoint, '-o', output, ...how], setting);
  return (JSON.parse(stdout) as { duration_ms: number }).duration_ms;
}
