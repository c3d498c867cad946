// What two models' figures say of each other: paired over chunks of the text and over rounds of speed, and
// refused where the machine was busy. One place, so that tables, cards and sentences cannot disagree.
import { chunksToTell, comparePaired, type Paired } from '../../llama/quality/paired.js';
import { formatPercent } from '../../terminal/units.js';
import { BUSY_SHARE } from '../measure/others-cpu.js';
import type { Compared, Speed } from './comparison.js';

/** Of what costs each has for each chunk of the same text. */
export type TextCost = 'nll' | 'otherTop';

export function compareText(a: Compared, b: Compared | null, cost: TextCost): Paired | null {
  const [own, other] = [a.quality, b?.quality];
  if (!own || !other || own.tokensSha256 !== other.tokensSha256) return null;
  return comparePaired(own.byChunk[cost], other.byChunk[cost]);
}

/** How long the text is, and how long it would have to be for such a difference. */
export function reachText(paired: Paired, { quality }: Compared): string {
  const nTokens = (quality?.nTokens ?? 0) / (quality?.nChunks ?? 1);
  const needed = Math.round(chunksToTell(paired) * nTokens);
  const enough = needed < MOST_TOKENS ? `; about ${needed} would tell such a difference` : '';
  return `${paired.nChunks} chunks, ${quality?.nTokens} tokens scored${enough}`;
}

/** Nobody waits for more. */
const MOST_TOKENS = 1e7;

export type SpeedVerdict =
  | { kind: 'told'; ratio: number }
  | { kind: 'alike' }
  | { kind: 'refused'; why: string };

/** Machines of one kind differ by as much: less is not worth a word. */
const ALIKE = Math.log(1.03);

/** How many times as fast the first one writes. Null where one was not measured. */
export function speedVerdict(a: Compared, b: Compared | null | undefined): SpeedVerdict | null {
  const [own, other] = [a.speed, b?.speed];
  if (!own || !other) return null;
  const busiest = Math.max(own.othersShare ?? 0, other.othersShare ?? 0);
  if (busiest > BUSY_SHARE)
    return {
      kind: 'refused',
      why: `other programs had ${formatPercent(busiest)} of the machine while speeds were measured`,
    };
  const paired = comparePaired(costs(own), costs(other));
  if (!paired) return { kind: 'refused', why: 'speed was measured once; raise --repeats' };
  const { difference, resolution } = paired;
  if (Math.abs(difference.value) + resolution <= ALIKE) return { kind: 'alike' };
  if (paired.less === 'open' || Math.abs(difference.value) <= ALIKE)
    return { kind: 'refused', why: 'its rounds differ by as much as the models; raise --repeats' };
  return { kind: 'told', ratio: Math.exp(-difference.value) };
}

/** So that differences are ratios. */
function costs({ rates }: Speed): number[] {
  return rates.map((rate) => -Math.log(rate));
}
