// Widths that are as even as the target allows: the same number of KV heads in every layer, and the same
// channels to within one step. Heads are dearer than channels, so their share is kept at least as large.
import type { Stepped, Widths } from './allocate.js';

/** Null where even the least widths do not remove `params` weights. */
export function evenWidths<T extends Stepped & { kind: 'attention' | 'ffn' }>(
  parts: readonly T[],
  params: number,
): Widths<T> | null {
  const attention = parts.filter(({ kind }) => kind === 'attention');
  const ffn = parts.filter(({ kind }) => kind === 'ffn');
  const nHeadKv = Math.max(1, ...attention.map(({ nGroups }) => nGroups));
  for (let heads = 1; heads <= nHeadKv; heads++) {
    const share = heads / nHeadKv;
    const kept: Widths<T> = new Map(attention.map((part) => [part, keptHeads(part, share)]));
    const left = params - removedBy(kept);
    const channels = channelShare(ffn, left);
    const isEven = channels <= share || heads === nHeadKv;
    if (isEven) return narrowChannels(kept, ffn, { share: channels, params: left });
  }
  return null;
}

function keptHeads({ nGroups, least }: Stepped, share: number): number {
  return Math.max(least, Math.ceil(nGroups * share));
}

function removedBy(widths: ReadonlyMap<Stepped, number>): number {
  let removed = 0;
  for (const [{ nGroups, paramsPerGroup }, kept] of widths)
    removed += (nGroups - kept) * paramsPerGroup;
  return removed;
}

/** Of all channels, how many stay when `params` weights go. */
function channelShare(parts: readonly Stepped[], params: number): number {
  const all = parts.reduce((sum, part) => sum + part.nGroups * part.paramsPerGroup, 0);
  return 1 - Math.max(0, params) / Math.max(1, all);
}

/** In whole steps: one step less than the share says, given back from the last layer on where it may be. */
function narrowChannels<T extends Stepped>(
  kept: Widths<T>,
  parts: readonly T[],
  { share, params }: { share: number; params: number },
): Widths<T> | null {
  const widths: Widths<T> = new Map();
  for (const part of parts) {
    const whole = Math.floor((part.nGroups * share) / part.step) * part.step;
    widths.set(part, share >= 1 ? part.nGroups : Math.max(part.least, whole));
  }
  let spare = removedBy(widths) - params;
  if (spare < 0) return null;
  for (const part of [...parts].reverse()) {
    const wider = Math.min(part.nGroups, (widths.get(part) as number) + part.step);
    const cost = (wider - (widths.get(part) as number)) * part.paramsPerGroup;
    if (cost > spare) continue;
    widths.set(part, wider);
    spare -= cost;
  }
  return new Map([...kept, ...widths]);
}
