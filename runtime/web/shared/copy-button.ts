// A button that copies, and says for a moment whether it did.
// Its label changes in place, so a screen reader hears the outcome where the focus is.
import { texts } from '../texts/texts.js';
import { el } from './dom.js';
import { icon } from './icons.js';

const SHOWN_MS = 1600;

/** `text` is asked for at each click, as answers grow. */
export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const name = el('span', { 'aria-live': 'polite' }, label);
  const button = el('button', { class: 'quiet-button', type: 'button' }, icon('copy'), name);
  let timer = 0;
  button.addEventListener('click', async () => {
    const copied = await copyText(text());
    name.textContent = copied ? texts.common.copied : texts.common.notCopied;
    button.firstElementChild?.replaceWith(icon(copied ? 'check' : 'close'));
    clearTimeout(timer);
    timer = setTimeout(() => {
      name.textContent = label;
      button.firstElementChild?.replaceWith(icon('copy'));
    }, SHOWN_MS);
  });
  return button;
}

/** Whether it was copied; on plain http, where browsers offer no clipboard, through a selected text area. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const area = el('textarea', { class: 'visually-hidden', readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
