// The figures of the chosen time at a glance, and how the engine is now.

import type { SummaryRow } from '../../log/read-rows.js';
import type { DashboardStatus } from '../../server/dashboard-contract.js';
import { el } from '../shared/dom.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPart,
  formatRate,
} from '../shared/format.js';

export function tilesOf(total: SummaryRow): HTMLElement[] {
  const { answers, errors, dropped_turns } = total;
  const failed = errors === 0 ? 'none failed' : `${formatPart(errors / answers)} of all`;
  return [
    tile('Answers', formatCount(answers), `${formatCount(total.generated_tokens)} tokens written`),
    tile(
      'First token',
      formatDuration(total.ttft_p50_ms),
      `95 % within ${formatDuration(total.ttft_p95_ms)}`,
    ),
    tile(
      'Speed',
      `${formatRate(total.tokens_per_second_p50)} tok/s`,
      `slowest 5 % below ${formatRate(total.tokens_per_second_p5)}`,
    ),
    tile('Peak memory', formatBytes(total.peak_rss_bytes), gpuWords(total)),
    tile('Errors', formatCount(errors), failed, errors > 0 ? 'bad' : ''),
    tile('Cut turns', formatCount(dropped_turns), 'left out of a full context'),
  ];
}

/** The engine now, in one line each. */
export function statusOf({ engine, model, slots, log }: DashboardStatus): HTMLElement[] {
  const busy = slots.filter(({ is_busy }) => is_busy).length;
  const lines: [string, string][] = [
    ['Engine', engineWords(engine)],
    ['Model', model ? `${model.name} on ${deviceWords(model)}` : '–'],
    ['Memory now', memoryWords(engine)],
    ['Answering', `${busy} of ${slots.length} places`],
    ['Context', slots.map((slot) => contextWords(slot.context_used, model?.n_ctx)).join(', ')],
    ['Log', logWords(log)],
  ];
  return lines.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)));
}

function tile(name: string, value: string, note: string, tone = ''): HTMLElement {
  return el(
    'div',
    { class: `tile ${tone}` },
    el('dt', {}, name),
    el('dd', { class: 'tile-value' }, value),
    el('dd', { class: 'hint' }, note),
  );
}

function gpuWords({ device_peak_bytes }: SummaryRow): string {
  return device_peak_bytes === null ? 'of hearth' : `GPU ${formatBytes(device_peak_bytes)}`;
}

function engineWords({ state, progress, failure, restarts }: DashboardStatus['engine']): string {
  const part = progress === null ? '' : ` ${formatPart(progress)}`;
  const times = restarts === 1 ? 'once' : `${formatCount(restarts)} times`;
  const again = restarts === 0 ? '' : `, restarted ${times}`;
  return `${state}${part}${again}${failure === null ? '' : `: ${failure}`}`;
}

function deviceWords({ device_names, backend }: NonNullable<DashboardStatus['model']>): string {
  return device_names.length > 0 ? device_names.join(', ') : backend.toUpperCase();
}

function memoryWords({ rss_bytes, device_used_bytes }: DashboardStatus['engine']): string {
  const gpu = device_used_bytes === null ? '' : `, GPU ${formatBytes(device_used_bytes)}`;
  return formatBytes(rss_bytes) + gpu;
}

function contextWords(used: number, nCtx: number | undefined): string {
  return `${formatCount(used)} of ${formatCount(nCtx)}`;
}

function logWords(log: DashboardStatus['log']): string {
  if (log === null) return 'keeps no log';
  if (log.unwritten_rows === 0) return 'every answer is in the log';
  return `${formatCount(log.unwritten_rows)} answers are not in the log: ${log.last_error ?? ''}`;
}
