// The name of a file that belongs to a question; names are text, whatever they hold.
import { el } from '../../shared/dom.js';
import { icon } from '../../shared/icons.js';
import { texts } from '../../texts/texts.js';

/** `remove`: takes it away again, where that can be. */
export function fileChip(name: string, remove?: () => void): HTMLElement {
  const chip = el(
    'span',
    { class: 'file-chip' },
    icon('file'),
    el('span', { class: 'file-name' }, name),
  );
  if (remove) {
    const label = texts.composer.remove(name);
    const props = { class: 'icon-button', type: 'button', 'aria-label': label, click: remove };
    chip.append(el('button', props, icon('close')));
  }
  return chip;
}
