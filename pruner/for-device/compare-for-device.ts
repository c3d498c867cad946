// hearth prune --for DEVICE as it is run: the pairs, how far it is and what is found on stderr, the summary on
// stdout.
import { noteAs, print } from '../../terminal/print.js';
import { formatTimeLeft, plural } from '../../terminal/units.js';
import type { CalibrationPace } from '../plan/time-plan.js';
import type { showStages } from '../prune-report.js';
import { pairsText, pairText, summaryJson, summaryText } from './for-report.js';
import { type PruneForOptions, pruneFor } from './prune-for.js';

const note = noteAs('prune');

type Told = 'onPairs' | 'onPace' | 'onFound' | 'onMeasured';

export async function compareForDevice(
  options: Omit<PruneForOptions, Told>,
  { stages, json }: { stages: ReturnType<typeof showStages>; json: boolean },
): Promise<void> {
  const begun = performance.now();
  const { minTps, searchMs } = options;
  const summary = await pruneFor({
    ...options,
    onPairs: (pairs) => {
      for (const line of pairsText(pairs, minTps).split('\n')) note(line);
    },
    onPace: (pace) => note(paceText(pace, searchMs)),
    onFound: (nFound, path) =>
      note(`${plural(nFound, 'figure')} of a run that was interrupted are taken from ${path}`),
    onMeasured: (pair, kl) => note(`${pairText(pair)}: KL ${kl.toFixed(4)}`),
  });
  stages.stop();
  for (const warning of summary.file.warnings) note(`warning: ${warning}`);
  const reported = { ...summary, durationMs: performance.now() - begun };
  print(json ? JSON.stringify(summaryJson(reported), null, 2) : summaryText(reported));
}

function paceText({ chunkMs, nChunks }: CalibrationPace, searchMs: number): string {
  const calibrating = chunkMs === null ? '' : `calibrating ${formatTimeLeft(chunkMs * nChunks)}, `;
  const most = searchMs > 0 ? `at most about ${formatTimeLeft(searchMs)}` : 'one pair alone';
  return `this takes about: ${calibrating}comparing pairs ${most}`;
}
