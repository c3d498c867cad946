// The options of `hearth chat` and `hearth serve` that say how the model is loaded.
// One table, so that both commands read them alike and their --help cannot differ.
import path from 'node:path';
import type { InferredOptionTypes, Options } from 'yargs';
import {
  contextFlag,
  GPU_CHOICES,
  KV_TYPES,
  parallelFlag,
  threadsFlag,
} from '../../llama/settings.js';
import { many, one, text, valueFlag, wholeNumber } from '../../terminal/flags.js';
import { parseSize } from '../../terminal/units.js';
import { defined } from '../defined.js';
import type { EngineInfo, EngineOptions } from './engine.js';

const MAX_LAYERS = 10_000;

const FLASH_ATTENTION = ['auto', 'on', 'off'] as const;

export const engineFlags = {
  gpu: defaultedFlag(
    'GPU backend; auto takes the best on which the model fits',
    oneOf('gpu', GPU_CHOICES),
    'auto',
  ),
  'gpu-layers': defaultedFlag(
    'Layers on the GPU: a number, or auto for as many as fit',
    (layers): number | 'auto' =>
      layers === 'auto' ? 'auto' : wholeNumber('gpu-layers', 0, MAX_LAYERS)(layers),
    'auto',
  ),
  ctx: {
    ...contextFlag('Tokens of context of each sequence'),
    defaultDescription: "the model's, as far as memory allows",
  },
  'kv-type': defaultedFlag(
    `Type of the KV cache: ${KV_TYPES.join(', ')}`,
    (type) => oneOf('kv-type', KV_TYPES)(type.toUpperCase()),
    'F16',
  ),
  memory: defaultedFlag(
    'Stay below so much memory of the GPU, or else of the system, such as 8GiB',
    parseSize,
    'what is free',
  ),
  parallel: parallelFlag,
  draft: valueFlag(
    'Smaller model of the same vocabulary, such as this one pruned, that drafts for it',
    (file) => path.resolve(text('draft')(file)),
  ),
  threads: {
    ...threadsFlag('CPU threads'),
    defaultDescription: 'as many as are quickest, measured batch by batch',
  },
  'flash-attention': {
    describe: 'Flash attention: auto (not where a CPU is slow with it), on or off',
    type: 'string',
    coerce: one((value) => flashAttention(value)),
    defaultDescription: 'auto',
  },
  mmap: {
    describe: 'Map the file into memory, also on the CPU, where it may take twice the memory',
    type: 'boolean',
  },
  overflow: valueFlag(
    'When a prompt does not fit: error, or drop-oldest turns and say so',
    oneOf('overflow', ['error', 'drop-oldest'] as const),
  ),
} as const satisfies Record<string, Options>;

export type EngineFlags = InferredOptionTypes<typeof engineFlags>;

const {
  parallel: _,
  overflow: _overflow,
  memory: _memory,
  draft: _draft,
  ...oneAtATime
} = engineFlags;

/** For one answer at a time, of one turn, in whatever memory there is. */
export const loadFlags = oneAtATime;

export function engineOptionsOf(modelPath: string, flags: Partial<EngineFlags>): EngineOptions {
  const { gpu, 'gpu-layers': gpuLayers, ctx: nCtx, 'kv-type': kvType, parallel, threads } = flags;
  const { 'flash-attention': flashAttention, mmap, draft: draftPath } = flags;
  const options = {
    gpu,
    gpuLayers,
    nCtx,
    kvType,
    parallel,
    threads,
    flashAttention,
    mmap,
    draftPath,
  };
  return { modelPath, ...defined(options) };
}

/** An option that has a default, in words. */
export function defaultedFlag<T>(describe: string, read: (text: string) => T, usual: string) {
  return { ...valueFlag(describe, read), defaultDescription: usual } as const;
}

/** An option that may be given several times. */
export function listFlag<T>(describe: string, read: (text: string) => T) {
  return { describe, type: 'string', requiresArg: true, coerce: many(read) } as const;
}

function oneOf<const Names extends readonly string[]>(name: string, names: Names) {
  return (text: string): Names[number] => {
    if (names.includes(text)) return text as Names[number];
    throw new Error(`--${name} takes one of ${names.join(', ')}, not "${text}"`);
  };
}

/** `--flash-attention` without a value is `on`, as is `true` in a config file. */
function flashAttention(text: string): boolean | 'auto' {
  const names = { true: 'on', '': 'on', false: 'off' } as Record<string, string>;
  const value = oneOf('flash-attention', FLASH_ATTENTION)(names[text] ?? text);
  return value === 'auto' ? 'auto' : value === 'on';
}

/**
 * What to tell the user where the GPU that was asked for by name does not answer; null where it does.
 * Not an error: an appliance whose driver breaks goes on answering on its CPU.
 */
export function gpuNotUsed(
  { gpu = 'auto', gpuLayers }: EngineOptions,
  { backend }: EngineInfo,
): string | null {
  if (gpu === 'auto' || gpu === 'off' || gpuLayers === 0 || backend === gpu) return null;
  return `the CPU answers: ${gpu} has no GPU here that holds a layer of the model; see hearth devices`;
}
