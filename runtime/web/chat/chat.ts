// The chat page: puts its parts together.
// Every part knows the store; the few things that concern two parts are wired here.
import { takeKeyOfAddress } from '../shared/api-key.js';
import { byId } from '../shared/dom.js';
import { drawIcons } from '../shared/icons.js';
import { themeButton } from '../shared/theme-button.js';
import { fillTexts, languageButton, texts } from '../texts/texts.js';
import { followAddress } from './address.js';
import { announce } from './announcer.js';
import { Answering } from './answering.js';
import { openComposer } from './composer.js';
import { openConversationDb } from './conversation-db.js';
import { listConversations } from './conversation-list.js';
import { ConversationStore } from './conversation-store.js';
import { importButton } from './import.js';
import { modelChooser } from './model-chooser.js';
import { keepSettings, readSettings } from './settings.js';
import { askSettings } from './settings-dialog.js';
import { sidebar } from './sidebar.js';
import { showStatus } from './status-view.js';
import { ThreadView } from './thread-view.js';

takeKeyOfAddress();
fillTexts();
drawIcons();
const store = await ConversationStore.open(await openConversationDb(), readSettings());
const answering = new Answering(store);
const composer = openComposer(store, answering);
const closeSidebar = sidebar();
const checkStatus = showStatus(modelChooser(store));

const thread = new ThreadView(store, answering, (text) => composer.fill(text));
listConversations(store, answering, closeSidebar);
importButton(store, closeSidebar);
followAddress(
  store,
  () => store.startNew(readSettings()),
  () => thread.say(texts.greeting.missing),
);
byId('sidebar-foot', HTMLElement).prepend(languageButton(), themeButton());
onClick('new-button', startNew);
onClick('settings-button', () => void changeSettings());
// Following it would change the address, which names the conversation.
byId('skip-link', HTMLAnchorElement).addEventListener('click', (event) => {
  event.preventDefault();
  composer.focus();
});
store.listen((change) => {
  if (change.kind !== 'answered') return;
  // After the frame that draws the last words, which are announced there.
  requestAnimationFrame(() => announceEnd(change.turn.state.kind));
});
// On a phone the focus would open the keyboard over the page.
if (matchMedia('(hover: hover)').matches) composer.focus();

function startNew(): void {
  store.startNew(readSettings());
  closeSidebar();
  composer.focus();
}

async function changeSettings(): Promise<void> {
  const settings = await askSettings(store.shown.settings);
  if (!settings) return;
  keepSettings(settings);
  store.change(store.shown, (conversation) => {
    conversation.settings = settings;
  });
}

function announceEnd(kind: string): void {
  if (kind === 'done') announce(texts.turn.complete);
  if (kind === 'stopped') announce(texts.turn.wasStopped);
  if (kind === 'failed') void checkStatus();
}

function onClick(id: string, run: () => void): void {
  byId(id, HTMLButtonElement).addEventListener('click', run);
}
