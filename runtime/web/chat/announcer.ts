// Tells a screen reader what happens in the conversation, without interrupting.
// An answer is read block by block as blocks are finished; token by token would be noise.
import { byId, el } from '../shared/dom.js';

const KEPT_LINES = 40;

/** Into a live region that is not visible: the same text stands in the conversation. */
export function announce(words: string): void {
  const region = byId('announcer', HTMLElement);
  region.append(el('p', {}, words));
  while (region.childElementCount > KEPT_LINES) region.firstElementChild?.remove();
}
