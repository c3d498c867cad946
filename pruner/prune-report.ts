// What hearth prune says after its plan: how far each stage is, and what came of it.
import { describeLayers } from '../model/shape/layer-widths.js';
import { clearProgressLine, showProgressLine, snakeCase } from '../terminal/print.js';
import {
  formatCount,
  formatDisk,
  formatDuration,
  formatMemory,
  formatPercent,
  formatTimeLeft,
  plural,
} from '../terminal/units.js';
import { RIDGES } from './measured-part.js';
import type { StageTimes } from './plan/time-plan.js';
import type { PruneSummary } from './prune.js';
import type { Stage, StageName } from './stage.js';
import type { StageCost } from './stage-clock.js';

const STAGES: Record<StageName, string> = {
  dense: 'the unpruned model as a GGUF',
  calibrate: 'calibrating',
  choose: 'what can go',
  noise: 'what types round off',
  search: 'trying widths',
  repair: 'repairing',
  write: 'writing',
  judge: 'judging',
};

/** Shows the stage at hand with the time that it will still take. */
export function showStages(): { show: (stage: Stage) => void; stop: () => void } {
  let at: { name: StageName; begun: number } | null = null;
  return {
    show({ name, part, done, of }) {
      if (at?.name !== name) at = { name, begun: performance.now() };
      const spentMs = performance.now() - at.begun;
      const left = done > 0 ? `, ${formatTimeLeft((spentMs * (of - done)) / done)} left` : '';
      showProgressLine(
        `${STAGES[name]}: ${part}, ${formatPercent(done / Math.max(1, of), 0)}${left}`,
      );
    },
    stop: clearProgressLine,
  };
}

/** What every stage is expected to take, a search what it may at the most. */
export function timesText(times: StageTimes): string {
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  const stages = times.map(
    ({ name, ms }) => `${STAGES[name]} ${name === 'search' ? 'at most ' : ''}${formatTimeLeft(ms)}`,
  );
  return `this takes about ${formatTimeLeft(total)} here: ${stages.join(', ')}`;
}

type PruneReport = PruneSummary & { durationMs: number; spent: StageCost[] };

export function summaryText({ convert, repaired, judgement, ...rest }: PruneReport): string {
  const { dense, unrepaired, file, nTokens } = judgement;
  const share = convert.nParamsDense ? convert.nParams / convert.nParamsDense : 1;
  const ofFile = file.kl ? `, as ${convert.fileType} ${formatNats(file.kl.value)}` : '';
  const ridged = repaired.filter(({ ridge }) => ridge !== null).length;
  return [
    `${convert.output}: ${formatDisk(convert.sizeBytes)}, ${convert.fileType}`,
    `weights     ${formatCount(convert.nParams)}, ${formatPercent(share)} kept`,
    `layers      ${describeLayers(convert.layers)}`,
    `repaired    ${ridged} of ${plural(repaired.length, 'part')} by least squares${ridgesText(repaired)}, the others by ${repaired.some(({ bias }) => bias) ? 'a bias' : 'nothing'}`,
    ...singularText(repaired),
    ...layerTimeText(repaired),
    `perplexity  ${dense.perplexity.toFixed(2)} unpruned; pruned ${unrepaired.perplexity.toFixed(2)}, repaired ${judgement.repaired.perplexity.toFixed(2)}, as ${convert.fileType} ${file.perplexity.value.toFixed(2)}`,
    `KL          pruned ${formatNats(unrepaired.kl)}, repaired ${formatNats(judgement.repaired.kl)}${ofFile} nats from the unpruned model, on ${nTokens} tokens held out`,
    `took        ${formatDuration(rest.durationMs)}, ${rest.calibrationTokens} tokens of calibration, at most ${formatMemory(convert.peakRssBytes)} beside llama.cpp`,
    `of that     ${spentText(rest.spent)}`,
  ].join('\n');
}

/** What was kept of likelihoods is rounded, so that of no divergence a little less than nothing is left. */
function formatNats(kl: number): string {
  return Math.max(0, kl).toFixed(3);
}

function spentText(spent: readonly StageCost[]): string {
  return spent
    .map(({ name, durationMs }) => `${STAGES[name]} ${formatDuration(durationMs)}`)
    .join(', ');
}

/** What the matrices of a layer cost, both of its parts together. */
function layerTimeText(repaired: PruneReport['repaired']): string[] {
  const nLayers = new Set(repaired.map(({ part }) => part.layer)).size;
  if (nLayers === 0) return [];
  const mean = (times: number[]) =>
    formatDuration(times.reduce((sum, ms) => sum + ms, 0) / nLayers);
  const choosing = mean(repaired.map(({ part }) => part.durationMs));
  return [
    `a layer     ${choosing} to choose what goes, ${mean(repaired.map(({ durationMs }) => durationMs))} to repair`,
  ];
}

/** What was added to the diagonals of ones, against what a text leaves singular. */
function ridgesText(repaired: PruneReport['repaired']): string {
  const ridges = repaired.flatMap(({ ridge }) => ridge ?? []);
  if (ridges.length === 0) return '';
  const [least, most] = [Math.min(...ridges), Math.max(...ridges)];
  return least === most ? ` (ridge ${least})` : ` (ridges ${least} to ${most})`;
}

/** Of parts whose inputs a short text tells apart badly, so that what goes is chosen less surely. */
function singularText(repaired: PruneReport['repaired']): string[] {
  const [least = 0] = RIDGES;
  const larger = repaired.flatMap(({ part: { ridge } }) => (ridge && ridge > least ? ridge : []));
  if (larger.length === 0) return [];
  return [
    `chosen      with a ridge of up to ${Math.max(...larger)} in ${plural(larger.length, 'part')}, of which the text tells the inputs apart badly; more --tokens would do better`,
  ];
}

export function summaryJson({ convert, repaired, judgement, ...rest }: PruneReport) {
  const { dense, unrepaired, file, nTokens } = judgement;
  return {
    output: convert.output,
    file_type: convert.fileType,
    size_bytes: convert.sizeBytes,
    parameter_count: convert.nParams,
    parameter_count_unpruned: convert.nParamsDense,
    calibration_tokens: rest.calibrationTokens,
    parts: repaired.map(({ part, groups, mode, ridge, heldOutError, durationMs }) => ({
      name: part.ggufName,
      kept: groups.length,
      of: part.nGroups,
      ...{ repair: mode, ridge, held_out_error: heldOutError },
      ...{ choose_ridge: part.ridge, choose_ms: part.durationMs, repair_ms: durationMs },
    })),
    judged_tokens: nTokens,
    perplexity_unpruned: dense.perplexity,
    pruned: unrepaired,
    repaired: judgement.repaired,
    file: { perplexity: file.perplexity.value, kl: file.kl?.value ?? null },
    duration_ms: rest.durationMs,
    stages: rest.spent.map(snakeCase),
  };
}
