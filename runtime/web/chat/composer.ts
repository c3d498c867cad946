// The field where one writes: Enter sends, Shift+Enter starts a line, Escape stops the answer.
// While an answer comes, the button stops it; one may write the next question meanwhile.
// Drafts and their files belong to their conversation and last as long as the page.
import { byId } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { texts } from '../texts/texts.js';
import type { Answering } from './answering.js';
import { AttachmentTray } from './attachments/attachment-tray.js';
import { offerFiles } from './attachments/offer-files.js';
import type { ConversationStore } from './conversation-store.js';

export function openComposer(store: ConversationStore, answering: Answering) {
  const input = byId('message-input', HTMLTextAreaElement);
  const button = byId('send-button', HTMLButtonElement);
  const drafts = new Map<string, string>();
  let conversationId = store.shown.id;

  const isRunning = () => answering.isRunning(store.shown);
  const focus = () => input.focus();
  const update = () => {
    changeDraft();
    showAction(button, isRunning());
    fitHeight(input);
    const isEmpty = input.value.trim() === '' && tray.isEmpty;
    button.disabled = !isRunning() && (isEmpty || tray.isReading);
  };
  const tray = new AttachmentTray(update);
  const changeDraft = () => {
    const { id } = store.shown;
    if (id === conversationId) return;
    drafts.set(conversationId, input.value);
    input.value = drafts.get(id) ?? '';
    conversationId = id;
    tray.show(id);
  };
  const send = () => {
    const text = input.value.trim();
    if ((text === '' && tray.isEmpty) || tray.isReading || isRunning()) return;
    input.value = '';
    void answering.send(store.shown, text, tray.take());
    update();
    focus();
  };

  tray.show(conversationId);
  offerFiles((files) => tray.add(files));
  byId('composer', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    if (isRunning()) void answering.stop(store.shown);
    else send();
  });
  input.addEventListener('input', update);
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || isOfInputMethod(event)) return;
    event.preventDefault();
    send();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || !isRunning()) return;
    if (!document.querySelector('dialog[open]')) void answering.stop(store.shown);
  });
  store.listen(update);
  document.addEventListener('textschange', update);
  update();
  const fill = (text: string) => {
    input.value = text;
    update();
    focus();
  };
  return { focus, fill };
}

/** Enter that ends the choice of a character, as in Japanese; Safari ends it first and says so by this code only. */
function isOfInputMethod({ isComposing, keyCode }: KeyboardEvent): boolean {
  return isComposing || keyCode === 229;
}

function showAction(button: HTMLButtonElement, isRunning: boolean): void {
  const { send, sendTitle, stop, stopTitle } = texts.composer;
  const label = isRunning ? stop : send;
  if (button.getAttribute('aria-label') === label) return;
  button.setAttribute('aria-label', label);
  button.title = isRunning ? stopTitle : sendTitle;
  button.dataset['action'] = isRunning ? 'stop' : 'send';
  button.replaceChildren(icon(isRunning ? 'stop' : 'send'));
}

/** Where the style sheet's `field-sizing` is not known yet. */
function fitHeight(input: HTMLTextAreaElement): void {
  if (CSS.supports('field-sizing', 'content')) return;
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight}px`;
}
