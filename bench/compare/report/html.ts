// HTML with every value escaped where it is put in: a model's answer is a stranger's text.
// What is markup has a type of its own, so that text cannot pass for it.
// Knows no page.

export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Value = string | number | Html | readonly Html[] | null;

/** `html\`<p>${text}</p>\`` */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.map((part, i) => part + markupOf(values[i] ?? null)).join(''));
}

/** Safe in text and in quoted attributes; what would steer writing or hide is shown as its code. */
export function escapeHtml(text: string): string {
  return text
    .replace(OBEYED, showCode)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

function markupOf(value: Value): string {
  if (value === null) return '';
  if (value instanceof Html) return value.markup;
  if (typeof value === 'object') return value.map(({ markup }) => markup).join('');
  return escapeHtml(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Controls but for newlines and tabs, lone halves of characters, turns of the direction of writing. */
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a page
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

function showCode(character: string): string {
  const code = character.codePointAt(0) as number;
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
