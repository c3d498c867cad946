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
import { texts } from '../texts/texts.js';

export function tilesOf(total: SummaryRow): HTMLElement[] {
  const { answers, errors, dropped_turns } = total;
  const words = texts.tiles;
  const failed = errors === 0 ? words.noneFailed : words.failedPart(formatPart(errors / answers));
  return [
    tile(words.answers, formatCount(answers), words.written(formatCount(total.generated_tokens))),
    tile(
      words.firstToken,
      formatDuration(total.ttft_p50_ms),
      words.within(formatDuration(total.ttft_p95_ms)),
    ),
    tile(
      words.speed,
      `${formatRate(total.tokens_per_second_p50)} tok/s`,
      words.slowest(formatRate(total.tokens_per_second_p5)),
    ),
    tile(words.peak, formatBytes(total.peak_rss_bytes), gpuWords(total)),
    tile(words.errors, formatCount(errors), failed, errors > 0 ? 'bad' : ''),
    tile(words.cut, formatCount(dropped_turns), words.cutWords),
  ];
}

/** The engine now, in one line each. */
export function statusOf({ engine, models, model, slots, log }: DashboardStatus): HTMLElement[] {
  const busy = slots.filter(({ is_busy }) => is_busy).length;
  const words = texts.tiles;
  const lines: [string, string][] = [
    [words.engine, engineWords(engine)],
    [words.model, model ? words.modelOn(model.name, deviceWords(model)) : '–'],
    ...loadedLines(models),
    [words.memoryNow, memoryWords(engine)],
    [words.answering, words.places(busy, slots.length)],
    [words.context, slots.map((slot) => contextWords(slot.context_used, slot.n_ctx)).join(', ')],
    [words.log, logWords(log)],
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
  return device_peak_bytes === null
    ? texts.tiles.ofHearth
    : texts.tiles.gpu(formatBytes(device_peak_bytes));
}

function engineWords({ state, progress, failure, restarts }: DashboardStatus['engine']): string {
  const part = progress === null ? '' : ` ${formatPart(progress)}`;
  const again = restarts === 0 ? '' : texts.tiles.restarted(restarts);
  return `${texts.tiles.states[state]}${part}${again}${failure === null ? '' : `: ${failure}`}`;
}

/** Of one model, the engine's state says it. */
function loadedLines(models: DashboardStatus['models']): [string, string][] {
  if (models.length < 2) return [];
  const names = models.filter(({ is_loaded }) => is_loaded).map(({ name }) => name);
  return [[texts.tiles.loaded, texts.tiles.loadedOf(names.join(', '), models.length)]];
}

function deviceWords({ device_names, backend }: NonNullable<DashboardStatus['model']>): string {
  return device_names.length > 0 ? device_names.join(', ') : backend.toUpperCase();
}

function memoryWords({ rss_bytes, device_used_bytes }: DashboardStatus['engine']): string {
  const gpu =
    device_used_bytes === null ? '' : `, ${texts.tiles.gpu(formatBytes(device_used_bytes))}`;
  return formatBytes(rss_bytes) + gpu;
}

function contextWords(used: number, nCtx: number): string {
  return texts.tiles.of(formatCount(used), formatCount(nCtx));
}

function logWords(log: DashboardStatus['log']): string {
  if (log === null) return texts.tiles.noLog;
  if (log.unwritten_rows === 0) return texts.tiles.allLogged;
  return texts.tiles.unlogged(formatCount(log.unwritten_rows), log.last_error ?? '');
}
