// Markdown of an answer as elements that are safe to show.
// HTML in the text is shown as text: a model that writes about <b> means the letters. DOMPurify
// then lets through only the tags listed here, should the parser ever be talked into others.
// Nothing is loaded from elsewhere: an image becomes a link that a person may follow.
import createDOMPurify from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';
import markedCjkFriendly from 'marked-cjk-friendly';
import { el } from '../shared/dom.js';
import { texts } from '../texts/texts.js';
import { mathSyntax } from './math-syntax.js';
import { drawMath } from './math-view.js';

const ALLOWED_TAGS =
  'p br hr blockquote pre code ul ol li input h3 h4 h5 h6 strong em del a table thead tbody tr th td'.split(
    ' ',
  );
const ALLOWED_ATTR = [
  'href',
  'title',
  'start',
  'align',
  'type',
  'checked',
  'disabled',
  'data-math',
];

/** The answer's own headings come below those of the page. */
const HEADING_SHIFT = 2;

const purify = createDOMPurify(window);

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => (/^<br\s*\/?>$/i.test(text.trim()) ? '<br>' : escapeHtml(text)),
    image: ({ href, text }) =>
      `<a href="${escapeHtml(href)}">${escapeHtml(text === '' ? href : text)}</a>`,
    heading({ depth, tokens }) {
      const level = Math.min(6, depth + HEADING_SHIFT);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
  },
});
// CommonMark wants spaces around emphasis beside punctuation; Chinese, Japanese and Korean write none.
marked.use(mathSyntax(escapeHtml), markedCjkFriendly());

/** A top-level part of a text; its `raw` says whether it changed. */
export type Block = Token;

/** The blocks of a text, blank lines left out; one block as written where it is nested too deeply. */
export function parseBlocks(text: string): Block[] {
  const parse = () => marked.lexer(text);
  const blocks = withinStack(parse) ?? [{ type: 'text', raw: text, text: escapeHtml(text) }];
  return blocks.filter(({ type }) => type !== 'space' && type !== 'def');
}

/** The elements of one block, or its text as it was written where those are nested too deeply. */
export function renderBlock(block: Block): DocumentFragment | string {
  return withinStack(() => renderElements(block)) ?? block.raw;
}

/** Null where the parsers, which call themselves for each level, run out of stack. */
function withinStack<T>(make: () => T): T | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function renderElements(block: Block): DocumentFragment {
  const fragment = purify.sanitize(marked.parser([block]), {
    ALLOWED_TAGS,
    ALLOWED_ATTR,
    // Not addresses, so the rule for addresses below does not concern them.
    ADD_URI_SAFE_ATTR: ALLOWED_ATTR.filter((name) => name !== 'href'),
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll('a')) keepPageOpen(link);
  for (const box of fragment.querySelectorAll('input')) keepCheckbox(box);
  for (const table of fragment.querySelectorAll('table')) keepInside(table);
  drawMath(fragment);
  return fragment;
}

/** Whether it is a code block, and of which language. */
export function codeOf(block: Block): { text: string; language: string } | null {
  if (block.type !== 'code') return null;
  const { text, lang } = block as Tokens.Code;
  return { text, language: lang?.trim().split(/\s/, 1)[0] ?? '' };
}

/** A link out of an answer neither replaces the page nor tells where it was followed. */
function keepPageOpen(link: HTMLAnchorElement): void {
  link.target = '_blank';
  link.rel = 'noopener noreferrer nofollow';
}

/** A wide table scrolls in a box of its own, by keyboard too, and stays a table for a screen reader. */
function keepInside(table: HTMLTableElement): void {
  const box = el('div', {
    class: 'wide',
    tabindex: 0,
    role: 'region',
    'aria-label': texts.turn.table,
  });
  table.replaceWith(box);
  box.append(table);
}

/** A field that asks for text has no place in an answer. */
function keepCheckbox(box: HTMLInputElement): void {
  if (box.type === 'checkbox') box.disabled = true;
  else box.remove();
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
