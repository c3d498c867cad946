// A whole hearth prune with repairs by least squares, as a user runs it: the most memory that all of its processes
// took together, that of the process while it writes, when no matrix of a layer may be left, and what a layer took.
import path from 'node:path';
import { median } from '../../median.js';
import { type Figure, figure } from '../figure.js';
import { followMemory } from '../tree-memory.js';
import { hearth, MIB, type Setting, TEMPLATE } from './setting.js';

type Pruned = {
  parts: { name: string; choose_ms: number; repair_ms: number }[];
  stages: { name: string; duration_ms: number; peak_rss_bytes: number }[];
};

export async function measureWhole(setting: Setting): Promise<Figure[]> {
  setting.note('one run, a minute or more of which is a layer of feed-forward channels');
  const { pruned, peakBytes } = await prune(setting);
  const { model, memoryBytes } = setting;
  return [
    figure({
      ...{ part: 'whole', model, what: 'MiB of all processes together, at most' },
      ...{ value: peakBytes / MIB, bar: { kind: 'at-most', value: memoryBytes / MIB } },
      details: { ...layerSeconds(pruned), ...stageDetails(pruned) },
    }),
    figure({
      ...{ part: 'whole', model, what: 'MiB of the process while it writes, at most' },
      ...{ value: writingBytes(pruned) / MIB, bar: { kind: 'at-most', value: 512 } },
      details: {},
    }),
  ];
}

async function prune(setting: Setting): Promise<{ pruned: Pruned; peakBytes: number }> {
  const { checkpoint, layers, ratio, type, tokens, memoryBytes, folder } = setting;
  const output = path.join(folder, 'whole.gguf');
  const how = ['--layers', `${layers.first}-${layers.last}`, '--ratio', String(ratio)];
  const budget = ['--memory', `${memoryBytes / MIB}MiB`, '--tokens', String(tokens)];
  const alone = ['--type', type, '--search', '0', '--gpu', 'off', ...TEMPLATE];
  const args = ['prune', checkpoint, '-o', output, ...how, ...budget, ...alone, '--json'];
  const running = hearth(args, setting);
  const memory = followMemory(running.child.pid as number);
  try {
    const { stdout } = await running;
    return { pruned: JSON.parse(stdout) as Pruned, peakBytes: memory.stop() };
  } finally {
    memory.stop();
  }
}

function layerSeconds({ parts }: Pruned): Record<string, number> {
  const seconds = (kind: string, key: 'choose_ms' | 'repair_ms') =>
    median(parts.filter(({ name }) => name.endsWith(kind)).map((part) => part[key])) / 1000;
  return {
    attention_choose_s: seconds('attn_output', 'choose_ms'),
    attention_repair_s: seconds('attn_output', 'repair_ms'),
    channels_choose_s: seconds('ffn_down', 'choose_ms'),
    channels_repair_s: seconds('ffn_down', 'repair_ms'),
  };
}

/** What each stage took, and had in memory without llama.cpp's processes. */
function stageDetails({ stages }: Pruned): Record<string, number> {
  return Object.fromEntries(
    stages.flatMap(({ name, duration_ms: ms, peak_rss_bytes: bytes }) => [
      [`${name}_s`, ms / 1000],
      [`${name}_mib`, Math.round(bytes / MIB)],
    ]),
  );
}

function writingBytes({ stages }: Pruned): number {
  const written = stages.find(({ name }) => name === 'write');
  if (written) return written.peak_rss_bytes;
  throw new Error('hearth prune told nothing of writing');
}
