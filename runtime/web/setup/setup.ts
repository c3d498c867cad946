// The setup page of a device: what its owner says once, sent in one piece.
// The server checks all of it; what it refuses is shown in the page's own words, by the field.

import { copyButton } from '../shared/copy-button.js';
import { byId, el } from '../shared/dom.js';
import { drawIcons } from '../shared/icons.js';
import { askJson } from '../shared/server-client.js';
import { field, ServerError } from '../shared/server-error.js';
import { themeButton } from '../shared/theme-button.js';
import { fillTexts, languageButton, texts } from '../texts/texts.js';
import { makeKey } from './make-key.js';

const input = (id: string) => byId(id, HTMLInputElement);
const hostname = input('hostname');
const key = input('new-key');
const ssid = input('ssid');
const passphrase = input('passphrase');
const timezone = byId('timezone', HTMLSelectElement);
const form = byId('setup-form', HTMLFormElement);
const message = byId('message', HTMLElement);

/** What the server calls a field, and where it is. */
const FIELDS: Record<string, HTMLInputElement | HTMLSelectElement> = {
  hostname,
  timezone,
  api_key: key,
  'wifi.ssid': ssid,
  'wifi.passphrase': passphrase,
};

let failure: ServerError | null = null;

fillTexts();
drawIcons();
byId('topbar-actions', HTMLElement).append(languageButton(), themeButton());
document.title = `hearth · ${texts.setup.title}`;
listTimezones();
key.value = makeKey();
form.addEventListener('submit', (event) => {
  event.preventDefault();
  void send();
});
document.addEventListener('textschange', () => {
  document.title = `hearth · ${texts.setup.title}`;
  showFailure();
});
void askDevice();

async function askDevice(): Promise<void> {
  const device = await askJson('setup/device').catch(fail);
  hostname.value = String(field(device, 'hostname') ?? '');
  byId('wifi', HTMLFieldSetElement).hidden = field(device, 'wifi') !== true;
}

function listTimezones(): void {
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const names = new Set(['UTC', own, ...Intl.supportedValuesOf('timeZone')]);
  timezone.append(...[...names].sort().map((name) => el('option', {}, name)));
  timezone.value = own;
}

async function send(): Promise<void> {
  const answer = await askJson('setup', { body: settings() }).catch(fail);
  const name = field(answer, 'hostname');
  if (typeof name === 'string') showDone(name);
}

function settings() {
  const network = { ssid: ssid.value, passphrase: passphrase.value || null };
  return {
    hostname: hostname.value.trim(),
    timezone: timezone.value,
    api_key: key.value.trim() || null,
    wifi: ssid.value === '' ? null : network,
  };
}

function fail(error: unknown): null {
  failure = error instanceof ServerError ? error : new ServerError('broken', String(error));
  showFailure();
  return null;
}

/** By the field, where it is one; whoever was second has nothing left to fill in. */
function showFailure(): void {
  for (const control of Object.values(FIELDS)) control.removeAttribute('aria-invalid');
  if (failure === null) return;
  const { code, param } = failure;
  const { failures } = texts.setup;
  message.hidden = false;
  form.hidden = code === 'already_set_up';
  const words = failures[(param ?? code) as keyof typeof failures];
  message.replaceChildren(el('p', {}, words ?? texts.failures[failure.kind][1]));
  if (words === undefined) message.append(el('p', { class: 'hint' }, failure.message));
  const control = param === null ? undefined : FIELDS[param];
  control?.setAttribute('aria-invalid', 'true');
  control?.focus();
}

/** The address of its new name takes the key along, after the `#`. */
function showDone(name: string): void {
  failure = null;
  message.hidden = true;
  form.hidden = true;
  byId('intro', HTMLElement).hidden = true;
  byId('done', HTMLElement).hidden = false;
  const port = location.port === '' ? '' : `:${location.port}`;
  const address = `http://${name}.local${port}/`;
  const secret = key.value.trim();
  const href = secret === '' ? address : `${address}#key=${encodeURIComponent(secret)}`;
  byId('new-address', HTMLElement).append(el('a', { href }, address));
  if (secret !== '')
    byId('done-key', HTMLElement).append(
      el('p', {}, texts.setup.keepKey, ' ', el('code', {}, secret)),
      copyButton(texts.turn.copy, () => secret),
    );
  byId('main', HTMLElement).focus();
}
