// Which of the pairs are not beaten in both bytes of the file and distance from the dense model.
import { type Standing, standingsOf } from '../../../model/frontier.js';
import { compareRows, type RealRow } from './real-row.js';

/** From the smallest file to the largest. */
export function frontierRows(rows: readonly RealRow[]): Standing<RealRow>[] {
  return standingsOf(rows, {
    bytesOf: (row) => row.size_bytes,
    lossOf: (row) => row.kl,
    isBetter: (a, b) => compareRows(a, b)?.less === 'first',
  });
}
