// The API key of this server: kept until the tab closes, or on this device where asked to, and asked for
// when the server answers 401. The tab's own key wins over the device's, so that one tab can try another.
import { texts } from '../texts/texts.js';
import { showDialog } from './dialog.js';
import { el } from './dom.js';
import { type Keeping, readText, writeText } from './storage.js';

const STORAGE_KEY = 'hearth.api-key';

/** Where the browser keeps nothing, the key lives as long as the page. */
let keyOfPage: string | null = null;
let open: Promise<boolean> | null = null;

export function readKey(): string | null {
  return keyOfPage ?? readText('tab', STORAGE_KEY) ?? readText('device', STORAGE_KEY);
}

/** A QR code on the device's screen has it after the `#`: it stays on this device, and leaves the address. */
export function takeKeyOfAddress(): void {
  const written = /^#key=(.+)$/.exec(location.hash)?.[1];
  if (written === undefined) return;
  history.replaceState(null, '', location.pathname + location.search);
  const key = decoded(written);
  if (key !== null) keepKey(key, 'device');
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function keepKey(key: string, where: Keeping): void {
  forgetKey();
  if (!writeText(where, STORAGE_KEY, key)) keyOfPage = key;
}

export function forgetKey(): void {
  keyOfPage = null;
  writeText('tab', STORAGE_KEY, null);
  writeText('device', STORAGE_KEY, null);
}

/**
 * Whether a key was given and kept. `wasRefused`: the one that was sent is wrong. Requests that fail
 * together wait for one dialog.
 */
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
    title: texts.key.title,
    action: texts.key.unlock,
    content: [
      el(
        'p',
        { id: 'api-key-hint', class: wasRefused ? 'error-text' : '' },
        wasRefused ? texts.key.refused : texts.key.hint,
      ),
      el('label', { for: 'api-key' }, texts.key.label),
      key,
      el('label', { class: 'check-line' }, remember, texts.key.remember),
    ],
  });
  const text = key.value.trim();
  if (!confirmed || text === '') return false;
  keepKey(text, remember.checked ? 'device' : 'tab');
  return true;
}
