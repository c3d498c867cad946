// Modal dialogs on the browser's own <dialog>, which traps the focus and closes on Escape.
// The focus returns to where it was, as the element itself takes care of.
import { type Child, el } from './dom.js';

export type DialogOptions = {
  title: string;
  content: Child[];
  action: string;
  tone?: 'plain' | 'danger';
};

/** Whether it was confirmed. The fields of the content keep what was entered. */
export function showDialog(options: DialogOptions): Promise<boolean> {
  const dialog = buildDialog(options);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'confirmed');
    });
  });
}

/** What was entered, trimmed; null where it was cancelled or left empty. */
export async function askText(
  options: Pick<DialogOptions, 'title' | 'action'> & { label: string; value: string },
): Promise<string | null> {
  const input = el('input', { id: 'dialog-text', type: 'text', maxlength: 200, required: true });
  input.value = options.value;
  const content = [el('label', { for: 'dialog-text' }, options.label), input];
  const shown = showDialog({ ...options, content });
  input.select();
  return (await shown) && input.value.trim() !== '' ? input.value.trim() : null;
}

function buildDialog({ title, content, action, tone = 'plain' }: DialogOptions) {
  const cancel = el('button', { class: 'button', type: 'button' }, 'Cancel');
  const confirm = el('button', { class: `button primary ${tone}`, value: 'confirmed' }, action);
  const form = el(
    'form',
    { method: 'dialog' },
    el('h2', { id: 'dialog-title' }, title),
    ...content,
    el('div', { class: 'dialog-actions' }, cancel, confirm),
  );
  const dialog = el('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title' }, form);
  cancel.addEventListener('click', () => dialog.close(''));
  return dialog;
}
