// The model's state at the top of the page.
// Health is asked for at the start, when the page comes back, and often only while not well:
// a page that lies open for weeks must not keep the device awake.
import { byId } from '../shared/dom.js';
import { formatPart } from '../shared/format.js';
import { texts } from '../texts/texts.js';
import { readHealth, type ServerHealth } from './health.js';

const RETRY_MS = 2000;

/** Returns what asks the server now, and again until it is well; `showModels` is called when it is. */
export function showStatus(showModels: () => Promise<void>): () => Promise<void> {
  const state = byId('model-state', HTMLElement);
  let timer = 0;
  const check = async () => {
    clearTimeout(timer);
    const health = await readHealth();
    state.dataset['kind'] = health.kind;
    state.textContent = wordsOf(health);
    if (health.kind === 'ok') await showModels();
    else if (!document.hidden) timer = setTimeout(() => void check(), RETRY_MS);
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
