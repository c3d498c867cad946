// Which time and which model the dashboard shows; both stand in the address, to be bookmarked.
import { byId, el } from '../shared/dom.js';
import { texts } from '../texts/texts.js';
import { type DashboardRange, RANGES } from './dashboard-data.js';

const ALL_MODELS = '';

export class Filters {
  readonly #range = byId('range', HTMLSelectElement);
  readonly #model = byId('model', HTMLSelectElement);

  constructor(onChange: () => void) {
    const address = new URLSearchParams(location.search);
    this.#setModels([address.get('model') ?? ALL_MODELS]);
    this.#model.value = address.get('model') ?? ALL_MODELS;
    this.#range.replaceChildren(
      ...RANGES.map((range) => el('option', { value: range }, texts.dashboard.ranges[range])),
    );
    this.#range.value = address.get('since') ?? '';
    for (const select of [this.#range, this.#model])
      select.addEventListener('change', () => {
        this.#keep();
        onChange();
      });
  }

  /** Whether the address names a time; where it does not, one is chosen by what there is. */
  get isChosen(): boolean {
    return this.#range.selectedIndex >= 0;
  }

  choose(since: string): void {
    this.#range.value = since;
  }

  get range(): DashboardRange {
    const model = this.#model.value;
    return { since: this.#range.value, model: model === ALL_MODELS ? null : model };
  }

  /** Offers these models; the one that is chosen stays, even without answers. */
  offer(models: readonly string[]): void {
    const chosen = this.#model.value;
    this.#setModels([...new Set([...models, chosen])]);
    this.#model.value = chosen;
  }

  #setModels(models: readonly string[]): void {
    const named = models.filter((model) => model !== ALL_MODELS);
    this.#model.replaceChildren(
      el('option', { value: ALL_MODELS }, texts.dashboard.allModels),
      ...named.map((model) => el('option', { value: model }, model)),
    );
  }

  #keep(): void {
    const { since, model } = this.range;
    const query = new URLSearchParams({ since, ...(model === null ? {} : { model }) });
    history.replaceState(null, '', `?${query}`);
  }
}
