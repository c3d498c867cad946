// What the pruned file says of how it was pruned, beside what convert says of any file.
import type { GgufMetadata } from '../model/gguf/gguf-metadata.js';
import { stringEntry, uint32Entry } from '../model/gguf/gguf-metadata.js';
import type { Calibration } from './calibration-file.js';
import type { RepairedPart } from './repair/repair-parts.js';

/** `hearth.pruning.*`; the kept heads and channels as JSON, by `blk.N.attn_output` and `blk.N.ffn_down`. */
export function pruningMetadata(
  { textSha256, nTokens }: Calibration,
  repaired: readonly RepairedPart[],
  { repair, nParams, nParamsDense }: { repair: string; nParams: number; nParamsDense: number },
): GgufMetadata {
  const kept = repaired.map(({ part, groups }) => [part.ggufName, asRanges(groups)]);
  return {
    'hearth.pruning.method': stringEntry('forward-only, Optimal Brain Surgeon'),
    'hearth.pruning.repair': stringEntry(repair),
    'hearth.pruning.ratio': { type: 'FLOAT32', value: 1 - nParams / nParamsDense },
    'hearth.pruning.kept': stringEntry(JSON.stringify(Object.fromEntries(kept))),
    'hearth.pruning.calibration.sha256': stringEntry(textSha256),
    'hearth.pruning.calibration.tokens': uint32Entry(nTokens),
  };
}

/** `0-3,7` */
function asRanges(numbers: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const number of numbers) {
    const range = ranges.at(-1);
    if (range?.last === number - 1) range.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges.map(({ first, last }) => (first === last ? first : `${first}-${last}`)).join(',');
}
