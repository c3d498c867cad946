// What prices make of the measured differences between parts, as a few knobs, and the rounds that turn
// them: one knob at a time, a step up and a step down, as long as the whole model drifts less. Few knobs,
// as little text tells models apart that differ by one layer's width.

export type Knobs = {
  /** How much of the measured differences prices follow, 0 to 1 and above: a measurement has its noise. */
  sharpness: number;
  /** What heads are worth beside channels, in doublings. */
  heads: number;
  /** What the last layer is worth beside the first, in doublings. */
  depth: number;
};

export const STARTS: readonly Knobs[] = [0.5, 0.75].map((sharpness) => ({
  sharpness,
  heads: 0,
  depth: 0,
}));

const STEPS: readonly [keyof Knobs, number][] = [
  ['depth', 0.5],
  ['heads', 0.5],
  ['sharpness', 0.25],
];

export type Tried<T> = { knobs: Knobs; made: T; drift: number };

/**
 * From `start`, the least drift that turning one knob at a time leads to. `tryAll` makes and measures
 * models; null where there is no time for them, which ends the rounds with the best so far.
 */
export async function turnKnobs<T>(
  start: Tried<T>,
  tryAll: (knobs: readonly Knobs[]) => Promise<Tried<T>[] | null>,
): Promise<Tried<T>> {
  const seen = new Set([nameOf(start.knobs)]);
  let best = start;
  for (let round = 0, inVain = 0; inVain < STEPS.length; round++) {
    const [knob, step] = STEPS[round % STEPS.length] as [keyof Knobs, number];
    const fresh = [step, -step]
      .map((by) => ({ ...best.knobs, [knob]: best.knobs[knob] + by }))
      .filter((knobs) => knobs.sharpness >= 0 && !seen.has(nameOf(knobs)));
    for (const knobs of fresh) seen.add(nameOf(knobs));
    const tried = fresh.length > 0 ? await tryAll(fresh) : [];
    if (!tried) break;
    const found = leastDrift([best, ...tried]);
    inVain = found === best ? inVain + 1 : 0;
    best = found;
  }
  return best;
}

export function leastDrift<T>(tried: readonly Tried<T>[]): Tried<T> {
  return tried.reduce((best, next) => (next.drift < best.drift ? next : best));
}

function nameOf({ sharpness, heads, depth }: Knobs): string {
  return `${sharpness} ${heads} ${depth}`;
}
