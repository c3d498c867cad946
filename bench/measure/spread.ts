// What a few repeats come to: average and deviation as llama-bench computes them, median and range
// beside them, as one slow repeat on a busy machine moves an average and not a median.
import type { MeasurementRow } from '../../runtime/log/measurement-fields.js';
import { median } from '../median.js';

export type Spread = Pick<
  MeasurementRow,
  'avg_ns' | 'stddev_ns' | 'avg_ts' | 'stddev_ts' | 'median_ts' | 'min_ts' | 'max_ts' | 'samples_ns'
>;

/** Of at least one sample; `nTokens` is what each took its time for. */
export function spreadOf(samplesNs: readonly number[], nTokens: number): Spread {
  const rates = samplesNs.map((ns) => (nTokens * 1e9) / ns);
  return {
    avg_ns: Math.round(average(samplesNs)),
    stddev_ns: Math.round(deviation(samplesNs)),
    avg_ts: average(rates),
    stddev_ts: deviation(rates),
    median_ts: median(rates),
    min_ts: Math.min(...rates),
    max_ts: Math.max(...rates),
    samples_ns: [...samplesNs],
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample, not of a population; 0 of one. */
function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = average(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
