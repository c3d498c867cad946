// Speed of all models in turns: a round is one of each, and what comes and goes on the machine meets all alike.
// What was measured beside a busy program is thrown away; where the machine is busy from the start, nothing
// is measured at all, and the row says why.
import { setTimeout as wait } from 'node:timers/promises';
import type { LlamaSettings } from '../../../llama/model-settings.js';
import { showProgressLine } from '../../../terminal/print.js';
import { formatPercent } from '../../../terminal/units.js';
import { BUSY_SHARE, watchOthers } from '../../measure/others-cpu.js';
import { type MeasuredPoint, N_GEN, N_PROMPT } from '../../measure/points.js';
import { measureSpeed } from '../../measure/speed-process.js';
import { loadSettings, type PairOptions } from './measure-pair.js';
import { pairName, type RealPair } from './pairs.js';
import type { RealRow, SpeedRound } from './real-row.js';
import type { RowFile } from './row-file.js';
import { make } from './step.js';

export type RoundsOptions = {
  rows: RowFile;
  options: PairOptions;
  nRounds: number;
  onNote: (text: string) => void;
};

/** Until each of `pairs`, which have rows, has its rounds, or the machine was busy. */
export async function timeRounds(
  pairs: readonly RealPair[],
  { rows, options, nRounds, onNote }: RoundsOptions,
): Promise<void> {
  const rowOf = (pair: RealPair) => rows.find(pairName(pair)) as RealRow;
  const isOpen = (pair: RealPair) => rowOf(pair).rounds.length < nRounds;
  for (let round = 0; round < nRounds; round++) {
    const open = pairs.filter((pair) => rowOf(pair).rounds.length <= round);
    if (open.length === 0) continue;
    const busy = await whyBusy(options.signal);
    if (busy !== null) {
      onNote(
        `speed of ${open.length} models is not measured: ${busy}; run it again when it is quiet`,
      );
      for (const pair of open) await rows.put({ ...rowOf(pair), speed_refused: busy });
      return;
    }
    for (const pair of round % 2 === 0 ? open : open.toReversed()) {
      showProgressLine(`speed, round ${round + 1} of ${nRounds}: ${pairName(pair)}`);
      await rows.put(await withRound(pair, rowOf(pair), { options, onNote }));
    }
  }
  const left = pairs.filter(isOpen).length;
  if (left > 0) onNote(`${left} models lack rounds of speed that the machine was too busy for`);
}

async function withRound(
  pair: RealPair,
  row: RealRow,
  { options, onNote }: Pick<RoundsOptions, 'options' | 'onNote'>,
): Promise<RealRow> {
  const { signal } = options;
  const file = await make(pair.file, { ...options, onNote });
  const { round, peakRssBytes } = await timeModel(await loadSettings(file, options), signal);
  const measured = { ...row, peak_rss_bytes: Math.max(row.peak_rss_bytes ?? 0, peakRssBytes) };
  const busy = busyText(round.others_share);
  if (busy !== null) onNote(`${pairName(pair)}: a round is thrown away: ${busy}`);
  if (busy !== null) return { ...measured, speed_refused: row.rounds.length > 0 ? null : busy };
  return { ...measured, rounds: [...row.rounds, round], speed_refused: null };
}

const LOOK_MS = 3000;

/** Why speeds would say nothing here and now; null where the machine is quiet. */
async function whyBusy(signal: AbortSignal): Promise<string | null> {
  const othersSince = watchOthers(process.pid);
  await wait(LOOK_MS, undefined, { signal });
  return busyText(othersSince());
}

function busyText(othersShare: number | null): string | null {
  if (othersShare === null || othersShare <= BUSY_SHARE) return null;
  return `other programs had ${formatPercent(othersShare, 0)} of the machine`;
}

const POINTS: MeasuredPoint[] = [
  { nPrompt: N_PROMPT, nGen: 0, nDepth: 0 },
  { nPrompt: 0, nGen: N_GEN, nDepth: 0 },
];

/** One turn: the model is loaded, warmed up, and each point measured once. */
async function timeModel(
  settings: LlamaSettings,
  signal: AbortSignal,
): Promise<{ round: SpeedRound; peakRssBytes: number }> {
  let pid: number | undefined;
  let othersSince = watchOthers(undefined);
  let peakRssBytes = 0;
  const rates: number[] = [];
  const shares: number[] = [];
  const onStart = (started: number) => {
    pid = started;
  };
  const task = { settings, points: POINTS, repeats: 1 };
  for await (const event of measureSpeed(task, { signal, onStart })) {
    if (event.kind === 'begin') othersSince = watchOthers(pid);
    if (event.kind !== 'sample') continue;
    const { nPrompt, nGen } = POINTS[event.point] as MeasuredPoint;
    rates[event.point] = ((nPrompt + nGen) * 1e9) / event.sampleNs;
    peakRssBytes = event.memory.peakRssBytes;
    const share = othersSince();
    if (share !== null) shares.push(share);
  }
  const [pp512_ts = 0, tg128_ts = 0] = rates;
  const others_share = shares.length > 0 ? Math.max(...shares) : null;
  return { round: { pp512_ts, tg128_ts, others_share }, peakRssBytes };
}
