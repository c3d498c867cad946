// Which class of hardware holds which model, with the speed that is predicted there.
// Devices that hold all of them are behind a line, as they tell nothing apart.
import type { Fit } from '../../../devices/fit/fit.js';
import { type VerdictWords, verdictText } from '../../../devices/fit/fit-report.js';
import type { Comparison } from '../comparison.js';
import { type DeviceRow, deviceRows, fittedModels } from '../device-rows.js';
import { NOTHING, rateText } from '../figure-text.js';
import { type Html, html } from './html.js';

export function fitSection({ models, setting }: Comparison): Html | null {
  const rows = deviceRows(models);
  if (rows.length === 0) return null;
  const labels = fittedModels(models).map(({ label }) => label);
  const telling = rows.filter(({ holdsAll }) => !holdsAll);
  const holding = rows.filter(({ holdsAll }) => holdsAll);
  return html`<section class="card"><h2>What fits where</h2>
<p class="hint">By prediction, at ${setting.nCtx} tokens of context, with tokens a second as they are likely there.</p>
${telling.length > 0 ? table(labels, telling) : null}
${holding.length > 0 ? html`<details><summary>${holding.length} ${telling.length > 0 ? 'more ' : ''}devices hold every model</summary>${table(labels, holding)}</details>` : null}
</section>`;
}

function table(labels: readonly string[], rows: readonly DeviceRow[]): Html {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="What fits where"><table class="fits">
<thead><tr><th scope="col">Device</th>${labels.map((label) => html`<th scope="col"><span class="words">${label}</span></th>`)}</tr></thead>
<tbody>${rows.map(({ device, cells }) => html`<tr><th scope="row"><span class="words">${device.name}</span></th>${cells.map(cell)}</tr>`)}</tbody>
</table></div>`;
}

function cell(fit: Fit | undefined): Html {
  if (!fit) return html`<td>${NOTHING}</td>`;
  const speed = fit.speed
    ? html` <span class="hint">${rateText(fit.speed.tgTokensPerSecond.typical)} tok/s</span>`
    : null;
  return html`<td class="fit ${fit.verdict.kind}">${verdictText(fit, VERDICTS)}${speed}</td>`;
}

/** Short, for a narrow column. */
const VERDICTS: VerdictWords = {
  fits: '✓ fits',
  'fits-with-cpu-layers': '◐',
  'fits-up-to-context': '◐ up to',
  'does-not-fit': '✗',
};
