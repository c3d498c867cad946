// Which model is measured in which type, with and without an importance matrix; and what is left out, and
// why: a pair that is silently not there would look like one that nobody thought of.
import { type FileType, needsImatrix } from '../../../model/types/mixtures.js';
import type { Source } from './sources.js';
import type { Step } from './step.js';

export type RealPair = {
  source: Source;
  type: FileType;
  hasImatrix: boolean;
  file: Step;
};

/** Each source's F16 first, which the others of it are made from. */
export function pairsOf(sources: readonly Source[], types: readonly FileType[]): RealPair[] {
  return sources.flatMap((source) => [
    { source, type: 'F16' as const, hasImatrix: false, file: source.f16 },
    ...types.flatMap((type) =>
      [false, true]
        .filter((hasImatrix) => whyNot(type, hasImatrix) === null)
        .map((hasImatrix) => quantised(source, type, hasImatrix)),
    ),
  ]);
}

/** A sentence for each kind of pair that there cannot be. */
export function leftOut(types: readonly FileType[]): string[] {
  return types.flatMap((type) =>
    [false, true].map((hasImatrix) => whyNot(type, hasImatrix)).filter((why) => why !== null),
  );
}

function whyNot(type: FileType, hasImatrix: boolean): string | null {
  if (hasImatrix && IGNORES_IMATRIX.has(type))
    return `${type} with an importance matrix: it rounds to the nearest, and no matrix changes that`;
  if (!hasImatrix && needsImatrix(type))
    return `${type} without an importance matrix: llama.cpp refuses to make it`;
  return null;
}

/** In ggml_quantize_chunk these take no weights of columns. */
const IGNORES_IMATRIX: ReadonlySet<FileType> = new Set(['F32', 'F16', 'BF16', 'Q8_0']);

function quantised(source: Source, type: FileType, hasImatrix: boolean): RealPair {
  const { id, f16, imatrix } = source;
  const matrix = hasImatrix ? ['--imatrix', imatrix.file] : [];
  const file: Step = {
    file: `${id}-${type}${hasImatrix ? '-imatrix' : ''}.gguf`,
    words: ['convert', f16.file, '--type', type, ...matrix],
    needs: hasImatrix ? [f16, imatrix] : [f16],
  };
  return { source, type, hasImatrix, file };
}

/** As a user names it: `prune-20/Q3_K_M+imatrix`. */
export function pairName({ source, type, hasImatrix }: RealPair): string {
  return `${source.id}/${type}${hasImatrix ? '+imatrix' : ''}`;
}
