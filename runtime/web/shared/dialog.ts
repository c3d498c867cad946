// Modal dialogs on the browser's own <dialog>, which traps the focus and closes on Escape.
// The focus returns to where it was, as the element itself takes care of.
import { texts } from '../texts/texts.js';
import { type Child, el } from './dom.js';

export type DialogOptions = {
  title: string;
  content: Child[];
  action: string;
  tone?: 'plain' | 'danger';
  /** It only tells something: there is nothing to cancel. */
  isNotice?: boolean;
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

/** What was entered, trimmed; null where it was cancelled or left empty. `rows`: of a text of many lines. */
export async function askText(
  options: Pick<DialogOptions, 'title' | 'action'> & {
    label: string;
    value: string;
    rows?: number;
  },
): Promise<string | null> {
  const input = options.rows
    ? el('textarea', { id: 'dialog-text', rows: options.rows, required: true })
    : el('input', { id: 'dialog-text', type: 'text', maxlength: 200, required: true });
  input.value = options.value;
  const content = [el('label', { for: 'dialog-text' }, options.label), input];
  const shown = showDialog({ ...options, content });
  // A name is replaced, a text of many lines gone on with.
  if (options.rows) input.setSelectionRange(input.value.length, input.value.length);
  else input.select();
  return (await shown) && input.value.trim() !== '' ? input.value.trim() : null;
}

function buildDialog({ title, content, action, tone = 'plain', isNotice }: DialogOptions) {
  const cancel = el('button', { class: 'button', type: 'button' }, texts.common.cancel);
  const confirm = el('button', { class: `button primary ${tone}`, value: 'confirmed' }, action);
  const form = el(
    'form',
    { method: 'dialog' },
    el('h2', { id: 'dialog-title' }, title),
    ...content,
    el('div', { class: 'dialog-actions' }, !isNotice && cancel, confirm),
  );
  const dialog = el('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title' }, form);
  cancel.addEventListener('click', () => dialog.close(''));
  return dialog;
}
