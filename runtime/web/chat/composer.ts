// The field where one writes: Enter sends, Shift+Enter starts a line, Escape stops the answer.
// While an answer comes, the button stops it; one may write the next question meanwhile.
// Drafts belong to their conversation and last as long as the page.
import { byId } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import type { Answering } from './answering.js';
import type { ConversationStore } from './conversation-store.js';

export function openComposer(store: ConversationStore, answering: Answering) {
  const input = byId('message-input', HTMLTextAreaElement);
  const button = byId('send-button', HTMLButtonElement);
  const drafts = new Map<string, string>();
  let conversationId = store.shown.id;

  const isRunning = () => answering.isRunning(store.shown);
  const focus = () => input.focus();
  const send = () => {
    const text = input.value.trim();
    if (text === '' || isRunning()) return;
    input.value = '';
    void answering.send(store.shown, text);
    update();
    focus();
  };
  const changeDraft = () => {
    const { id } = store.shown;
    if (id === conversationId) return;
    drafts.set(conversationId, input.value);
    input.value = drafts.get(id) ?? '';
    conversationId = id;
  };
  const update = () => {
    changeDraft();
    const label = isRunning() ? 'Stop the answer' : 'Send';
    if (button.getAttribute('aria-label') !== label) {
      button.setAttribute('aria-label', label);
      button.title = isRunning() ? 'Stop (Esc)' : 'Send (Enter)';
      button.replaceChildren(icon(isRunning() ? 'stop' : 'send'));
    }
    fitHeight(input);
    button.disabled = !isRunning() && input.value.trim() === '';
  };

  byId('composer', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    if (isRunning()) answering.stop(store.shown);
    else send();
  });
  input.addEventListener('input', update);
  input.addEventListener('keydown', (event) => {
    // Enter that ends the choice of a character, as in Japanese, does not send.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || !isRunning()) return;
    if (!document.querySelector('dialog[open]')) answering.stop(store.shown);
  });
  store.listen(update);
  update();
  const fill = (text: string) => {
    input.value = text;
    update();
    focus();
  };
  return { focus, fill };
}

/** Where the style sheet's `field-sizing` is not known yet. */
function fitHeight(input: HTMLTextAreaElement): void {
  if (CSS.supports('field-sizing', 'content')) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}
