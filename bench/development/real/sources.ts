// The models that are set side by side: the dense one, LLM-Pruner's checkpoints, and what hearth prune makes.
// Of each an F16 file and an importance matrix of its own, from which every type is made alike.
import path from 'node:path';
import type { Step, Word } from './step.js';

export const MAKERS = ['dense', 'LLM-Pruner', 'hearth prune'] as const;
export type Maker = (typeof MAKERS)[number];

export type Source = {
  /** Begins the names of its files. */
  id: string;
  maker: Maker;
  f16: Step;
  imatrix: Step;
};

export type SourceOptions = {
  /** A Hugging Face folder or a GGUF. */
  model: string;
  /** LLM-Pruner's checkpoints. */
  pruned: readonly string[];
  /** Shares that hearth prune removes. */
  ratios: readonly number[];
  /** Calibrated with; null for hearth's general text. */
  text: string | null;
  nTokens: number;
  /** What hearth prune may spend on finding widths, as its flag has it. */
  search: string;
};

/** The dense one first. Throws where two would have files of one name. */
export function sourcesOf(options: SourceOptions): Source[] {
  const dense = denseSource(options);
  const sources = [
    dense,
    ...options.pruned.map((folder) => llmPrunerSource(folder, options)),
    ...options.ratios.map((ratio) => prunedSource(ratio, dense, options)),
  ];
  const ids = sources.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) < i);
  if (twice !== undefined) throw new Error(`two models would be called ${twice}; rename a folder`);
  return sources;
}

function denseSource(options: SourceOptions): Source {
  const f16: Step = {
    file: 'dense-F16.gguf',
    words: ['convert', { given: options.model }, '--type', 'F16'],
    needs: [],
  };
  // With what pruning needs, so that the text is run through the dense model once.
  return {
    id: 'dense',
    maker: 'dense',
    f16,
    imatrix: calibration('dense', f16, options, '--grams'),
  };
}

function llmPrunerSource(folder: string, options: SourceOptions): Source {
  const id = path.basename(folder);
  const f16: Step = {
    file: `${id}-F16.gguf`,
    words: ['convert', { given: folder }, '--type', 'F16'],
    needs: [],
  };
  return { id, maker: 'LLM-Pruner', f16, imatrix: calibration(id, f16, options) };
}

function prunedSource(ratio: number, dense: Source, options: SourceOptions): Source {
  const id = `prune-${Math.round(100 * ratio)}`;
  const known = ['--calibration', dense.imatrix.file, '--search', options.search];
  const f16: Step = {
    file: `${id}-F16.gguf`,
    words: [
      'prune',
      dense.f16.file,
      '--ratio',
      String(ratio),
      '--type',
      'F16',
      ...known,
      ...textOf(options),
    ],
    needs: [dense.f16, dense.imatrix],
  };
  return { id, maker: 'hearth prune', f16, imatrix: calibration(id, f16, options) };
}

function calibration(id: string, f16: Step, options: SourceOptions, ...more: string[]): Step {
  const tokens = ['--tokens', String(options.nTokens)];
  return {
    file: `${id}-imatrix.gguf`,
    words: ['calibrate', f16.file, ...tokens, ...textOf(options), ...more],
    needs: [f16],
  };
}

function textOf({ text }: SourceOptions): Word[] {
  return text === null ? [] : ['--text', { given: text }];
}
