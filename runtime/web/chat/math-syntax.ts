// Formulas in Markdown: $…$, $$…$$, \(…\) and \[…\], as models write them.
// A dollar before a price is no formula: one opens only before and closes only after a character that
// is no space, and none closes before a digit. The parser's output is a marked code element, so
// that a formula is readable as it was written until it is drawn, or where it cannot be.
import type { MarkedExtension, Tokens } from 'marked';

/** Longer ones are none, and looking for the end of each opening goes no further. */
const INLINE = [
  /^\$\$((?:\\[\s\S]|[^\\$]){1,4000}?)\$\$/,
  /^\$(?![\s$])((?:\\[\s\S]|[^\\$\n]){0,4000}?(?:\\[\s\S]|[^\\$\s]))\$(?!\d)/,
  /^\\\(((?:\\[^)]|[^\\]){1,4000}?)\\\)/,
  /^\\\[((?:\\[^\]]|[^\\]){1,4000}?)\\\]/,
];
const BLOCK = [
  /^ {0,3}\$\$((?:\\[\s\S]|[^\\$]){1,4000}?)\$\$[ \t]*(?:\n|$)/,
  /^ {0,3}\\\[((?:\\[^\]]|[^\\]){1,4000}?)\\\][ \t]*(?:\n|$)/,
];

/** `escapeHtml` makes text safe to stand between tags. */
export function mathSyntax(escapeHtml: (text: string) => string): MarkedExtension {
  const renderer = ({ text, isDisplay }: Tokens.Generic) =>
    `<code data-math="${isDisplay ? 'display' : 'inline'}">${escapeHtml(text)}</code>`;
  return {
    extensions: [
      {
        name: 'mathBlock',
        level: 'block',
        start: (text) => text.match(/^ {0,3}(?:\$\$|\\\[)/m)?.index,
        tokenizer: (text) => tokenOf('mathBlock', text, BLOCK),
        renderer: (token) => `<p>${renderer(token)}</p>\n`,
      },
      {
        name: 'mathInline',
        level: 'inline',
        start: (text) => text.match(/\$|\\[([]/)?.index,
        tokenizer: (text) => tokenOf('mathInline', text, INLINE),
        renderer,
      },
    ],
  };
}

function tokenOf(type: string, text: string, forms: RegExp[]): Tokens.Generic | undefined {
  for (const form of forms) {
    const [raw, formula] = form.exec(text) ?? [];
    if (raw === undefined || formula === undefined) continue;
    const isDisplay = /^ {0,3}(?:\$\$|\\\[)/.test(raw);
    return { type, raw, text: formula.trim(), isDisplay };
  }
  return undefined;
}
