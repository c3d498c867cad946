// The field where one writes: Enter sends, Shift+Enter starts a line, Escape stops the answer.
// While an answer comes, the button stops it; one may write the next question meanwhile.
// Drafts belong to their conversation and last as long as the page.
import { byId } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import type { Answering } from './answering.js';
import type { ConversationStore } from './conversation-store.js';

export class Composer {
  readonly #store: ConversationStore;
  readonly #answering: Answering;
  readonly #input = byId('message-input', HTMLTextAreaElement);
  readonly #button = byId('send-button', HTMLButtonElement);
  readonly #drafts = new Map<string, string>();
  #conversationId: string;

  constructor(store: ConversationStore, answering: Answering) {
    this.#store = store;
    this.#answering = answering;
    this.#conversationId = store.shown.id;
    byId('composer', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener('input', () => this.#update());
    this.#input.addEventListener('keydown', (event) => this.#onKey(event));
    document.addEventListener('keydown', (event) => this.#onPageKey(event));
    store.listen(() => this.#update());
    this.#update();
  }

  focus(): void {
    this.#input.focus();
  }

  fill(text: string): void {
    this.#input.value = text;
    this.#update();
    this.focus();
  }

  get #isRunning(): boolean {
    return this.#answering.isRunning(this.#store.shown);
  }

  #submit(): void {
    if (this.#isRunning) this.#answering.stop(this.#store.shown);
    else this.#send();
  }

  #send(): void {
    const text = this.#input.value.trim();
    if (text === '' || this.#isRunning) return;
    this.#input.value = '';
    void this.#answering.send(this.#store.shown, text);
    this.#update();
    this.focus();
  }

  /** Enter that ends the choice of a character, as in Japanese, does not send. */
  #onKey(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }

  #onPageKey(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || event.defaultPrevented || !this.#isRunning) return;
    if (document.querySelector('dialog[open]')) return;
    this.#answering.stop(this.#store.shown);
  }

  #update(): void {
    this.#changeDraft();
    const isRunning = this.#isRunning;
    const label = isRunning ? 'Stop the answer' : 'Send';
    if (this.#button.getAttribute('aria-label') !== label) {
      this.#button.setAttribute('aria-label', label);
      this.#button.title = isRunning ? 'Stop (Esc)' : 'Send (Enter)';
      this.#button.replaceChildren(icon(isRunning ? 'stop' : 'send'));
    }
    this.#fitHeight();
    this.#button.disabled = !isRunning && this.#input.value.trim() === '';
  }

  /** Where the style sheet's `field-sizing` is not known yet. */
  #fitHeight(): void {
    if (CSS.supports('field-sizing', 'content')) return;
    this.#input.style.height = 'auto';
    this.#input.style.height = `${this.#input.scrollHeight}px`;
  }

  #changeDraft(): void {
    const { id } = this.#store.shown;
    if (id === this.#conversationId) return;
    this.#drafts.set(this.#conversationId, this.#input.value);
    this.#input.value = this.#drafts.get(id) ?? '';
    this.#conversationId = id;
  }
}
