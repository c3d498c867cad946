// Asks for the API key when the server answers 401.
// Requests that fail together wait for one dialog; its answer serves them all.
// It does not check the key: the request that is tried again does.
import { showDialog } from './dialog.js';
import { el } from './dom.js';
import { keepKey } from './key-store.js';

let open: Promise<boolean> | null = null;

/** Whether a key was given and kept. `wasRefused`: the one that was sent is wrong. */
export function askForKey({ wasRefused }: { wasRefused: boolean }): Promise<boolean> {
  open ??= showKeyDialog(wasRefused).finally(() => {
    open = null;
  });
  return open;
}

async function showKeyDialog(wasRefused: boolean): Promise<boolean> {
  const key = el('input', {
    id: 'api-key',
    type: 'password',
    required: true,
    autocomplete: 'current-password',
    spellcheck: 'false',
    'aria-describedby': 'api-key-hint',
  });
  const remember = el('input', { id: 'remember-key', type: 'checkbox' });
  const confirmed = await showDialog({
    title: 'This hearth is locked',
    action: 'Unlock',
    content: [
      el('p', { id: 'api-key-hint', class: wasRefused ? 'error-text' : '' }, hint(wasRefused)),
      el('label', { for: 'api-key' }, 'API key'),
      key,
      el('label', { class: 'check-line' }, remember, 'Remember the key on this device'),
    ],
  });
  const text = key.value.trim();
  if (!confirmed || text === '') return false;
  keepKey(text, remember.checked ? 'device' : 'tab');
  return true;
}

function hint(wasRefused: boolean): string {
  if (wasRefused) return 'The server did not accept that key. Check it and try again.';
  return 'Enter the API key that hearth was started with. It stays in this browser.';
}
