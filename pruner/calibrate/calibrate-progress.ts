// How far a calibration is, in words, with the time that is left. Shows nothing itself.
import { formatTimeLeft } from '../../terminal/units.js';
import type { CalibrateProgress } from './calibrate.js';

/** `calibrating: chunk 3 of 32, 2 min left`; `begun` is performance.now() at the start. */
export function progressText(progress: CalibrateProgress, begun: number): string {
  const { done, of, pass, nPasses } = progress;
  const which = nPasses === 1 ? '' : `pass ${pass + 1} of ${nPasses}, `;
  return `calibrating: ${which}chunk ${done + 1} of ${of}${timeLeft(progress, begun)}`;
}

function timeLeft({ done, of, pass, nPasses }: CalibrateProgress, begun: number): string {
  const share = (pass + done / of) / nPasses;
  if (share === 0) return '';
  const spent = performance.now() - begun;
  return `, ${formatTimeLeft((spent * (1 - share)) / share)} left`;
}
