// Colours in code, by highlight.js, which is loaded when the first code of a known name is seen.
// It returns markup: only its own spans and class names pass, and the text must still be the same.
import createDOMPurify from 'dompurify';

/** Colouring takes long on longer code, and it grows while an answer comes. */
const MAX_LETTERS = 40_000;

type Highlighter = typeof import('highlight.js/lib/common').default;

const purify = createDOMPurify(window);
let highlighter: Highlighter | null = null;
let loading: Promise<void> | null = null;

/** Colours the text of `code` now, or as soon as that can be done. */
export function colourCode(code: HTMLElement, language: string): void {
  if (language === '' || (code.textContent ?? '').length > MAX_LETTERS) return;
  if (highlighter) colour(code, language);
  else void load().then(() => colour(code, language));
}

function colour(code: HTMLElement, language: string): void {
  const text = code.textContent ?? '';
  if (!highlighter?.getLanguage(language)) return;
  const { value } = highlighter.highlight(text, { language, ignoreIllegals: true });
  const coloured = purify.sanitize(value, {
    ALLOWED_TAGS: ['span'],
    ALLOWED_ATTR: ['class'],
    RETURN_DOM_FRAGMENT: true,
  });
  if (coloured.textContent === text) code.replaceChildren(coloured);
}

function load(): Promise<void> {
  loading ??= import('highlight.js/lib/common').then(
    (module) => {
      highlighter = module.default;
    },
    () => {
      loading = null;
    },
  );
  return loading;
}
