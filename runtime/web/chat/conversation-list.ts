// The list of conversations, and what can be done with each.
// Titles are shown as text, whatever was typed into them.
import { askText, showDialog } from '../shared/dialog.js';
import { byId, el } from '../shared/dom.js';
import { menuButton } from '../shared/menu.js';
import type { Conversation } from './conversation.js';
import type { ConversationStore } from './conversation-store.js';
import { saveAsJson, saveAsMarkdown } from './export.js';

/** `onShow` is called when a person chose a conversation. */
export function listConversations(store: ConversationStore, onShow: () => void): void {
  const list = byId('conversation-list', HTMLElement);
  let drawn = '';
  const draw = () => {
    const state = JSON.stringify([store.shown.id, store.list.map(({ id, title }) => [id, title])]);
    if (state === drawn) return;
    drawn = state;
    byId('no-conversations', HTMLElement).hidden = store.list.length > 0;
    list.replaceChildren(...store.list.map((conversation) => itemOf(conversation)));
  };
  const itemOf = (conversation: Conversation) => {
    const { id, title } = conversation;
    const click = () => {
      store.show(id);
      onShow();
    };
    const current = conversation === store.shown && 'true';
    const props = { class: 'conversation', type: 'button', title, 'aria-current': current, click };
    return el('li', {}, el('button', props, title), menuOf(store, conversation));
  };
  store.listen(({ kind }) => {
    if (kind === 'list') draw();
  });
  draw();
}

function menuOf(store: ConversationStore, conversation: Conversation): HTMLElement {
  return menuButton(`Actions for ${conversation.title}`, [
    { label: 'Rename', run: () => void rename(store, conversation) },
    { label: 'Save as Markdown', run: () => saveAsMarkdown(conversation) },
    { label: 'Save as JSON', run: () => saveAsJson(conversation) },
    { label: 'Delete', tone: 'danger', run: () => void remove(store, conversation) },
  ]);
}

async function rename(store: ConversationStore, conversation: Conversation): Promise<void> {
  const { title: value } = conversation;
  const asked = { title: 'Rename the conversation', label: 'Name', value, action: 'Rename' };
  const title = await askText(asked);
  if (title !== null) store.rename(conversation, title);
}

async function remove(store: ConversationStore, conversation: Conversation): Promise<void> {
  const confirmed = await showDialog({
    title: 'Delete this conversation?',
    content: [el('p', {}, `“${conversation.title}” will be gone from this browser for good.`)],
    action: 'Delete',
    tone: 'danger',
  });
  if (confirmed) store.remove(conversation);
}
