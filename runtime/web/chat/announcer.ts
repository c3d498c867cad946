// Tells a screen reader what happens in the conversation, without interrupting.
// An answer is read block by block as blocks are finished; token by token would be noise.
// The region is not visible: the same text stands in the conversation.
import { el } from '../shared/dom.js';

const KEPT_LINES = 40;

export class Announcer {
  readonly #region: HTMLElement;

  /** `region` is the page's polite live region. */
  constructor(region: HTMLElement) {
    this.#region = region;
  }

  say(words: string): void {
    this.#region.append(el('p', {}, words));
    while (this.#region.childElementCount > KEPT_LINES) this.#region.firstElementChild?.remove();
  }
}
