// The list of conversations, and what can be done with each.
// Titles are shown as text, whatever was typed into them.
import { askText, showDialog } from '../shared/dialog.js';
import { byId, el } from '../shared/dom.js';
import { menuButton } from '../shared/menu.js';
import type { Conversation } from './conversation.js';
import type { ConversationStore } from './conversation-store.js';
import { saveAsJson, saveAsMarkdown } from './export.js';

export class ConversationList {
  readonly #store: ConversationStore;
  readonly #list = byId('conversation-list', HTMLElement);
  readonly #onShow: () => void;
  #drawn = '';

  /** `onShow` is called when a person chose a conversation. */
  constructor(store: ConversationStore, onShow: () => void) {
    this.#store = store;
    this.#onShow = onShow;
    store.listen(({ kind }) => {
      if (kind === 'list') this.#draw();
    });
    this.#draw();
  }

  #draw(): void {
    const { list, shown } = this.#store;
    const state = JSON.stringify([shown.id, list.map(({ id, title }) => [id, title])]);
    if (state === this.#drawn) return;
    this.#drawn = state;
    byId('no-conversations', HTMLElement).hidden = list.length > 0;
    this.#list.replaceChildren(...list.map((conversation) => this.#item(conversation)));
  }

  #item(conversation: Conversation): HTMLElement {
    const { id, title } = conversation;
    const isShown = conversation === this.#store.shown;
    const click = () => {
      this.#store.show(id);
      this.#onShow();
    };
    const props = { class: 'conversation', type: 'button', title, click };
    const choose = el('button', { ...props, 'aria-current': isShown && 'true' }, title);
    return el('li', {}, choose, this.#menu(conversation));
  }

  #menu(conversation: Conversation): HTMLElement {
    return menuButton(`Actions for ${conversation.title}`, [
      { label: 'Rename', run: () => void this.#rename(conversation) },
      { label: 'Save as Markdown', run: () => saveAsMarkdown(conversation) },
      { label: 'Save as JSON', run: () => saveAsJson(conversation) },
      { label: 'Delete', tone: 'danger', run: () => void this.#remove(conversation) },
    ]);
  }

  async #rename(conversation: Conversation): Promise<void> {
    const title = await askText({
      title: 'Rename the conversation',
      label: 'Name',
      value: conversation.title,
      action: 'Rename',
    });
    if (title !== null) this.#store.rename(conversation, title);
  }

  async #remove(conversation: Conversation): Promise<void> {
    const confirmed = await showDialog({
      title: 'Delete this conversation?',
      content: [el('p', {}, `“${conversation.title}” will be gone from this browser for good.`)],
      action: 'Delete',
      tone: 'danger',
    });
    if (confirmed) this.#store.remove(conversation);
  }
}
