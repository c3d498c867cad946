// The list of conversations, what is found in it, and what can be done with each.
// Titles are shown as text, whatever was typed into them.
import { askText, showDialog } from '../shared/dialog.js';
import { byId, el } from '../shared/dom.js';
import { menuButton } from '../shared/menu.js';
import { texts } from '../texts/texts.js';
import type { Answering } from './answering.js';
import { type Conversation, shownTitle } from './conversation.js';
import type { ConversationStore } from './conversation-store.js';
import { saveAllAsJson, saveAsJson, saveAsMarkdown } from './export.js';
import { type Found, findConversations } from './search.js';

/** `onShow` is called when a person chose a conversation. */
export function listConversations(
  store: ConversationStore,
  answering: Answering,
  onShow: () => void,
): void {
  const list = byId('conversation-list', HTMLElement);
  const search = byId('search', HTMLInputElement);
  let drawn = '';
  const draw = () => {
    const found = findConversations(store.list, search.value);
    const state = JSON.stringify([
      ...[store.shown.id, search.value, texts.locale],
      ...found.map(({ conversation: it }) => [it.id, it.title, answering.isRunning(it)]),
    ]);
    if (state === drawn) return;
    drawn = state;
    byId('no-conversations', HTMLElement).hidden = store.list.length > 0;
    search.hidden = store.list.length === 0;
    byId('search-result', HTMLElement).textContent = resultWords(search.value, found.length);
    list.replaceChildren(...found.map((one) => itemOf(one)));
  };
  const itemOf = ({ conversation, snippet }: Found) => {
    const title = shownTitle(conversation);
    const click = () => {
      store.show(conversation.id);
      onShow();
    };
    const current = conversation === store.shown && 'true';
    const props = { class: 'conversation', type: 'button', title, 'aria-current': current, click };
    const button = el('button', props, el('span', { class: 'conversation-title' }, title));
    if (snippet !== '') button.append(el('span', { class: 'snippet' }, snippet));
    if (answering.isRunning(conversation)) button.append(answeringMark());
    return el('li', {}, button, menuOf(store, conversation));
  };
  store.listen(({ kind }) => {
    if (kind === 'list' || kind === 'answered') draw();
  });
  search.addEventListener('input', draw);
  document.addEventListener('textschange', draw);
  draw();
}

function resultWords(query: string, count: number): string {
  if (query.trim() === '') return '';
  return count === 0 ? texts.list.nothingFound : texts.list.found(count);
}

function answeringMark(): HTMLElement {
  const words = el('span', { class: 'visually-hidden' }, texts.list.answering);
  return el('span', { class: 'answering-mark', title: texts.list.answering }, words);
}

function menuOf(store: ConversationStore, conversation: Conversation): HTMLElement {
  const words = texts.list;
  return menuButton(words.actions(shownTitle(conversation)), [
    { label: words.rename, run: () => void rename(store, conversation) },
    { label: words.saveMarkdown, run: () => saveAsMarkdown(conversation) },
    { label: words.saveJson, run: () => saveAsJson(conversation) },
    { label: words.saveAll, run: () => saveAllAsJson(store.list) },
    { label: words.delete, tone: 'danger', run: () => void remove(store, conversation) },
  ]);
}

async function rename(store: ConversationStore, conversation: Conversation): Promise<void> {
  const { renameTitle, name, rename: action } = texts.list;
  const asked = { title: renameTitle, label: name, value: conversation.title, action };
  const title = await askText(asked);
  if (title !== null) store.rename(conversation, title);
}

async function remove(store: ConversationStore, conversation: Conversation): Promise<void> {
  const confirmed = await showDialog({
    title: texts.list.deleteTitle,
    content: [el('p', {}, texts.list.deleteWords(shownTitle(conversation)))],
    action: texts.list.delete,
    tone: 'danger',
  });
  if (confirmed) store.remove(conversation);
}
