// The model's name and state at the top of the page.
// Health is asked for at the start, when the page comes back, and often only while not well:
// a page that lies open for weeks must not keep the device awake.
import { byId } from '../shared/dom.js';
import { formatPart } from '../shared/format.js';
import { askJson } from '../shared/server-client.js';
import { readHealth, type ServerHealth } from './health.js';

const RETRY_MS = 2000;

export class StatusView {
  readonly #name = byId('model-name', HTMLElement);
  readonly #state = byId('model-state', HTMLElement);
  #hasName = false;
  #timer = 0;

  constructor() {
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) void this.check();
    });
    void this.check();
  }

  async check(): Promise<void> {
    clearTimeout(this.#timer);
    const health = await readHealth();
    this.#state.dataset['kind'] = health.kind;
    this.#state.textContent = wordsOf(health);
    if (health.kind === 'ok') await this.#showName();
    else if (!document.hidden) this.#timer = setTimeout(() => void this.check(), RETRY_MS);
  }

  async #showName(): Promise<void> {
    if (this.#hasName) return;
    this.#hasName = true;
    const models = await askJson('v1/models').catch(() => null);
    const name = (models as { data?: { id?: unknown }[] } | null)?.data?.[0]?.id;
    this.#hasName = typeof name === 'string';
    if (typeof name === 'string') this.#name.textContent = name;
  }
}

function wordsOf(health: ServerHealth): string {
  switch (health.kind) {
    case 'ok':
      return 'Ready';
    case 'loading':
      return health.progress === null ? 'Loading' : `Loading ${formatPart(health.progress)}`;
    case 'failed':
      return 'Model failed';
    case 'unreachable':
      return 'Not reachable';
    default:
      return health satisfies never;
  }
}
