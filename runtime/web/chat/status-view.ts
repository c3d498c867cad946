// The model's name and state at the top of the page.
// Health is asked for at the start, when the page comes back, and often only while not well:
// a page that lies open for weeks must not keep the device awake.
import { byId } from '../shared/dom.js';
import { formatPart } from '../shared/format.js';
import { askJson } from '../shared/server-client.js';
import { texts } from '../texts/texts.js';
import { readHealth, type ServerHealth } from './health.js';

const RETRY_MS = 2000;

/** Returns what asks the server now, and again until it is well. */
export function showStatus(): () => Promise<void> {
  const name = byId('model-name', HTMLElement);
  const state = byId('model-state', HTMLElement);
  let hasName = false;
  let timer = 0;
  const check = async () => {
    clearTimeout(timer);
    const health = await readHealth();
    state.dataset['kind'] = health.kind;
    state.textContent = wordsOf(health);
    if (health.kind === 'ok') await showName();
    else if (!document.hidden) timer = setTimeout(() => void check(), RETRY_MS);
  };
  const showName = async () => {
    if (hasName) return;
    hasName = true;
    const models = await askJson('v1/models').catch(() => null);
    const id = (models as { data?: { id?: unknown }[] } | null)?.data?.[0]?.id;
    hasName = typeof id === 'string';
    if (typeof id === 'string') name.textContent = id;
  };
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void check();
  });
  document.addEventListener('textschange', () => void check());
  void check();
  return check;
}

function wordsOf(health: ServerHealth): string {
  switch (health.kind) {
    case 'ok':
      return texts.status.ready;
    case 'loading':
      return texts.status.loading(health.progress === null ? '' : formatPart(health.progress));
    case 'failed':
      return texts.status.failed;
    case 'unreachable':
      return texts.status.unreachable;
    default:
      return health satisfies never;
  }
}
