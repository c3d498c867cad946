// The text of an answer, drawn again as it grows.
// Only blocks that changed are drawn, so a long answer stays as fast as a short one, and text that
// a person has selected further up stays selected.
// Finished blocks are handed on for screen readers.
import { copyButton } from '../shared/copy-button.js';
import { el } from '../shared/dom.js';
import { texts } from '../texts/texts.js';
import { colourCode } from './code-colours.js';
import { type Block, codeOf, parseBlocks, renderBlock } from './markdown.js';

type Drawn = { raw: string; element: HTMLElement };

export class MarkdownView {
  readonly element = el('div', { class: 'markdown' });
  readonly #drawn: Drawn[] = [];
  #announced = 0;

  /** `onBlock` gets the words of each block that will not change any more, once. */
  update(text: string, isDone: boolean, onBlock: (words: string) => void): void {
    const blocks = parseBlocks(text);
    blocks.forEach((block, index) => {
      this.#draw(block, index);
    });
    for (const { element } of this.#drawn.splice(blocks.length)) element.remove();
    this.#announce(isDone ? blocks.length : blocks.length - 1, onBlock);
  }

  #draw(block: Block, index: number): void {
    const before = this.#drawn[index];
    if (before?.raw === block.raw) return;
    const element = elementOf(block);
    if (before) before.element.replaceWith(element);
    else this.element.append(element);
    this.#drawn[index] = { raw: block.raw, element };
  }

  #announce(end: number, onBlock: (words: string) => void): void {
    while (this.#announced < end) {
      // biome-ignore lint/performance/useDomNodeTextContent: it keeps list items and cells apart
      const words = this.#drawn[this.#announced++]?.element.innerText.trim();
      if (words) onBlock(words);
    }
  }
}

function elementOf(block: Block): HTMLElement {
  const code = codeOf(block);
  if (!code) return el('div', { class: 'block' }, renderBlock(block));
  const head = el(
    'div',
    { class: 'code-head' },
    el('span', { class: 'code-language' }, code.language === '' ? 'text' : code.language),
    copyButton(texts.turn.copyCode, () => code.text),
  );
  const text = el('code', {}, code.text);
  colourCode(text, code.language.toLowerCase());
  return el('div', { class: 'block code-block' }, head, el('pre', { tabindex: 0 }, text));
}
