// What hearth prune is asked: how much goes, or for which device that is to be found, and how it is done.
import type { InferredOptionTypes } from 'yargs';
import { devicesFlag } from '../devices/devices-flag.js';
import type { LayerRange } from '../devices/plan/block-pruning.js';
import { contextFlag } from '../llama/settings.js';
import { FILE_TYPES, type FileType } from '../model/types/mixtures.js';
import { duration, number, text, valueFlag, wholeNumber } from '../terminal/flags.js';
import { parseSize } from '../terminal/units.js';
import { calibrationFlags, DEFAULT_TOKENS } from './calibration-flags.js';
import type { UniformWidths } from './choose/plain-widths.js';
import type { Target } from './choose/target.js';
import type { RepairMode } from './repair/repair-linear.js';

const REPAIRS = ['none', 'bias', 'least-squares'] as const satisfies readonly RepairMode[];
export const DEFAULT_SEARCH_MS = 600_000;
const TARGETS = ['ratio', 'params', 'size', 'n-ff'] as const;

export const pruneOptions = {
  output: { ...valueFlag('The GGUF to write', text('output')), alias: 'o', demandOption: true },
  ratio: valueFlag('Share of all weights to remove, such as 0.2', number('ratio', 0, 0.95)),
  params: valueFlag('Weights to keep, such as 5.4B', parseParams),
  size: valueFlag('Size of the file, such as 2.1GB', parseSize),
  'kv-heads': {
    ...valueFlag('KV heads that every pruned layer keeps', wholeNumber('kv-heads', 1, 4096)),
    implies: 'n-ff',
  },
  'n-ff': {
    ...valueFlag('Channels that every pruned layer keeps', wholeNumber('n-ff', 1, 2 ** 20)),
    implies: 'kv-heads',
  },
  layers: {
    ...valueFlag('Layers to prune, the first and the last of them, such as 4-29', parseLayers),
    defaultDescription: 'all but the first eighth and the last two',
  },
  type: {
    ...valueFlag('Mixture of types', (name) => name.toUpperCase() as FileType),
    choices: FILE_TYPES,
    defaultDescription: 'Q4_K_M; with --for alone, all are compared',
  },
  lora: valueFlag('Merge the LoRA in this folder first', text('lora')),
  tokenizer: valueFlag('tokenizer.model, tokenizer.json or their folder', text('tokenizer')),
  'chat-template': valueFlag('Name of a template, or a file with Jinja', text('chat-template')),
  name: valueFlag("The model's name", text('name')),
  tokens: {
    ...valueFlag('Tokens of it to calibrate with', wholeNumber('tokens', 1024, 2 ** 26)),
    defaultDescription: String(DEFAULT_TOKENS),
  },
  repair: {
    describe: 'How the kept parts take over from the removed ones',
    choices: REPAIRS,
    default: 'least-squares' as const,
  },
  search: {
    ...valueFlag(
      'Time for finding widths, or for comparing files, by measuring, such as 20m; 0 for even widths',
      duration('search', { allowsNone: true }),
    ),
    defaultDescription: '10m',
  },
  calibration: valueFlag(
    'Use this calibration, which --keep-calibration kept',
    text('calibration'),
  ),
  'keep-calibration': {
    ...valueFlag('Keep the calibration in this file', text('keep-calibration')),
    conflicts: 'calibration',
  },
  for: {
    ...valueFlag(
      'Device that will run it, as hearth devices names it; alone, the best that fits is found, pruned or not',
      text('for'),
    ),
    defaultDescription: 'this machine',
  },
  ctx: {
    ...contextFlag('Tokens of context that must fit beside it'),
    implies: 'for',
    defaultDescription: "the model's, at most 4096",
  },
  'min-tps': {
    ...valueFlag(
      'Tokens a second that the device must be likely to reach',
      number('min-tps', 0.01, 1e6),
    ),
    implies: 'for',
    conflicts: [...TARGETS],
  },
  devices: { ...devicesFlag, implies: 'for' },
  ...calibrationFlags,
} as const;

export type PruneArguments = InferredOptionTypes<typeof pruneOptions> & { dense: string };

type Targets = Partial<Record<(typeof TARGETS)[number] | 'for', unknown>>;

/** Whether it is said how much goes; where not, that is found for a device. */
export function hasTarget(argv: Targets): boolean {
  return TARGETS.some((name) => argv[name] !== undefined);
}

/** For yargs: throws unless one of them, or a device, is given. */
export function checkTarget(argv: Targets): true {
  const given = TARGETS.filter((name) => argv[name] !== undefined);
  if (given.length === 1 || (given.length === 0 && argv.for !== undefined)) return true;
  throw new Error(
    'say how much to remove by one of --ratio, --params, --size or --kv-heads with --n-ff, or name a device with --for, for which that is found',
  );
}

export function targetOf({ ratio, params, size }: PruneArguments): Target {
  if (params !== undefined) return { kind: 'params', params };
  if (size !== undefined) return { kind: 'size', sizeBytes: size };
  return { kind: 'ratio', ratio: ratio ?? 0 };
}

export function uniformOf(argv: PruneArguments): UniformWidths | null {
  const { 'kv-heads': nHeadKv, 'n-ff': nFf } = argv;
  return nHeadKv === undefined || nFf === undefined ? null : { nHeadKv, nFf };
}

function parseLayers(value: string): LayerRange {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(value) ?? [];
  if (first !== undefined && last !== undefined)
    return { first: Number(first), last: Number(last) };
  throw new Error(`--layers takes a first and a last layer such as 4-29, not "${value}"`);
}

/** `5.4B`, `100M`, or a whole number. */
function parseParams(value: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([MB]?)$/i.exec(value) ?? [];
  if (amount === undefined) throw new Error(`--params takes a number such as 5.4B, not "${value}"`);
  const factor = { '': 1, M: 1e6, B: 1e9 }[unit.toUpperCase()] ?? 1;
  return Math.round(Number(amount) * factor);
}
