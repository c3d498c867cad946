// How wide every layer becomes: from full widths, whatever is cheapest to lose for the bytes or weights
// that it saves goes next, over all layers and over heads and channels alike, until the target is met.
// One step of a curve is one KV group or one block of channels, so that widths fill whole blocks.
import type { Part } from '../dense-model.js';
import type { RemovalCurve } from './removal-curve.js';

/** The steps in which a part of a layer can become narrower. */
export type Stepped = Pick<Part, 'nGroups' | 'paramsPerGroup'> & {
  /** Groups that stay at the least. */
  least: number;
  /** Groups that go at a time. */
  step: number;
};

/** What each step costs, besides. */
export type Narrowable = Stepped & {
  curve: RemovalCurve;
  /** What a unit of the curve's error costs the model. */
  price: number;
};

/** Groups that are kept, by part. */
export type Widths<T extends Stepped = Stepped> = Map<T, number>;

/** Removes at least `params` weights from `parts`; null where the least widths do not reach that. */
export function allocate<T extends Narrowable>(
  parts: readonly T[],
  params: number,
): Widths<T> | null {
  const kept: Widths<T> = new Map(parts.map((part) => [part, part.nGroups]));
  let removed = 0;
  while (removed < params) {
    const next = cheapest(parts, kept);
    if (!next) return null;
    const { part, groups } = next;
    kept.set(part, (kept.get(part) as number) - groups);
    removed += groups * part.paramsPerGroup;
  }
  return kept;
}

type Removal<T> = { part: T; groups: number; price: number };

function cheapest<T extends Narrowable>(parts: readonly T[], kept: Widths<T>): Removal<T> | null {
  let best: Removal<T> | null = null;
  for (const part of parts) {
    const step = nextStep(part, kept.get(part) as number);
    if (step && (best === null || step.price < best.price)) best = step;
  }
  return best;
}

/** The first step brings the width to whole blocks. */
function nextStep<T extends Narrowable>(part: T, kept: number): Removal<T> | null {
  const groups = kept % part.step || part.step;
  if (kept - groups < part.least) return null;
  const gone = part.nGroups - kept;
  const error =
    (part.curve.errors[gone + groups] ?? Number.POSITIVE_INFINITY) - (part.curve.errors[gone] ?? 0);
  return { part, groups, price: (part.price * error) / (groups * part.paramsPerGroup) };
}

/** The groups of a part that stay when `kept` do, ascending. */
export function keptGroups(
  { curve, nGroups }: Pick<Narrowable, 'curve' | 'nGroups'>,
  kept: number,
): number[] {
  const gone = new Set(curve.order.slice(0, nGroups - kept));
  return Array.from({ length: nGroups }, (_, group) => group).filter((group) => !gone.has(group));
}
