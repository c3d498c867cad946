// Light, dark, or as the device is set: one choice for all pages of this server.
// `data-theme` on the root always names the theme in effect, so the style sheets know two cases.
// early.ts calls this before the first paint; theme-button.ts comes with the page's own script.
import { readText, writeText } from './storage.js';

const STORAGE_KEY = 'hearth.theme';
const NEXT = { auto: 'light', light: 'dark', dark: 'auto' } as const;

export type Theme = keyof typeof NEXT;

const darkDevice = matchMedia('(prefers-color-scheme: dark)');

/** Sets the theme in effect, and again whenever the device changes. */
export function applyTheme(): void {
  showTheme();
  darkDevice.addEventListener('change', showTheme);
}

export function chosenTheme(): Theme {
  const stored = readText('device', STORAGE_KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'auto';
}

export function chooseNextTheme(): void {
  writeText('device', STORAGE_KEY, NEXT[chosenTheme()]);
  showTheme();
}

function showTheme(): void {
  const theme = chosenTheme();
  const isDark = theme === 'dark' || (theme === 'auto' && darkDevice.matches);
  const inEffect = isDark ? 'dark' : 'light';
  if (document.documentElement.dataset['theme'] === inEffect) return;
  document.documentElement.dataset['theme'] = inEffect;
  document.dispatchEvent(new Event('themechange'));
}
