// Which KV heads and channels a pruned file says it kept.
import { readGgufFile } from '../../model/gguf/gguf-file.js';

/** By `blk.N.attn_output` and `blk.N.ffn_down`, ascending. */
export type KeptParts = Record<string, number[]>;

export async function readKeptParts(gguf: string): Promise<KeptParts> {
  const { metadata } = await readGgufFile(gguf);
  const ranges = JSON.parse(String(metadata['hearth.pruning.kept'])) as Record<string, string>;
  return Object.fromEntries(Object.entries(ranges).map(([part, kept]) => [part, expand(kept)]));
}

/** `0-3,7` */
function expand(ranges: string): number[] {
  return ranges.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
