// Which language the pages speak: the browser's, until a person chooses one.
// One choice for all pages of this server, like the theme; early.ts asks before the first paint.
import { readText, writeText } from '../shared/storage.js';

const LANGUAGES = ['en', 'ja'] as const;
export type Language = (typeof LANGUAGES)[number];

const STORAGE_KEY = 'hearth.language';

export function chosenLanguage(): Language {
  const wanted = [readText('device', STORAGE_KEY) ?? '', ...navigator.languages];
  for (const tag of wanted) {
    const known = LANGUAGES.find((language) => tag.toLowerCase().split('-', 1)[0] === language);
    if (known) return known;
  }
  return 'en';
}

export function keepLanguage(language: Language): void {
  writeText('device', STORAGE_KEY, language);
}

/** Screen readers and hyphenation go by it. */
export function showLanguage(language: Language): void {
  document.documentElement.lang = language;
}
