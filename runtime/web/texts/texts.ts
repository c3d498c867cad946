// The words of the language in effect, and putting them into the page's HTML.
// The HTML names its texts in data attributes and holds none itself, so that no page is ever seen in
// the wrong language. `texts` changes when another language is chosen: read it where it is shown.
import { el } from '../shared/dom.js';
import { icon } from '../shared/icons.js';
import { en, type Texts } from './en.js';
import { ja } from './ja.js';
import { chosenLanguage, keepLanguage, type Language, showLanguage } from './language.js';

const ALL: Record<Language, Texts> = { en, ja };
const NEXT: Record<Language, Language> = { en: 'ja', ja: 'en' };
const ATTRIBUTES = { label: 'aria-label', title: 'title', placeholder: 'placeholder' };

let language = chosenLanguage();
export let texts: Texts = ALL[language];

/** Fills the elements that name a text: `data-text`, `data-label`, `data-title`, `data-placeholder`. */
export function fillTexts(): void {
  for (const element of document.querySelectorAll<HTMLElement>('[data-text]'))
    element.replaceChildren(...iconsOf(element), ...withKeys(textAt(element.dataset['text'])));
  for (const [name, attribute] of Object.entries(ATTRIBUTES))
    for (const element of document.querySelectorAll<HTMLElement>(`[data-${name}]`))
      element.setAttribute(attribute, textAt(element.dataset[name]));
}

/** Names the other language in its own words; tells the page with a `textschange` event. */
export function languageButton(): HTMLButtonElement {
  const button = el('button', { class: 'quiet-button', type: 'button' });
  const show = () => {
    const name = ALL[NEXT[language]].language;
    const words = el('span', { lang: NEXT[language] }, name);
    button.replaceChildren(icon('language'), words);
    button.setAttribute('aria-label', texts.common.languageButton(name));
  };
  button.addEventListener('click', () => {
    language = NEXT[language];
    texts = ALL[language];
    keepLanguage(language);
    showLanguage(language);
    fillTexts();
    show();
    document.dispatchEvent(new Event('textschange'));
  });
  show();
  return button;
}

function iconsOf(element: HTMLElement): Element[] {
  return [...element.children].filter((child) => child.matches('.icon, img'));
}

/** `page.ask` in the HTML. Throws where there is no such text: the page is not built right. */
function textAt(path = ''): string {
  let found: unknown = texts;
  for (const name of path.split('.'))
    found = (found as Record<string, unknown> | undefined)?.[name];
  if (typeof found !== 'string') throw new Error(`there is no text "${path}"`);
  return found;
}

/** Words between backticks are keys to press. */
function withKeys(text: string): (string | HTMLElement)[] {
  return text.split('`').map((part, at) => (at % 2 === 1 ? el('kbd', {}, part) : part));
}
