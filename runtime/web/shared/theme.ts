// Light, dark, or as the device is set: one choice for all pages of this server.
// `data-theme` on the root always names the theme in effect, so the style sheets know two cases.
// early-theme.ts calls this before the first paint; the button comes with the page's own script.
import { el } from './dom.js';
import { icon } from './icons.js';
import { readText, writeText } from './storage.js';

const STORAGE_KEY = 'hearth.theme';
const THEMES = {
  auto: { next: 'light', icon: 'auto', label: 'Theme: as this device' },
  light: { next: 'dark', icon: 'sun', label: 'Theme: light' },
  dark: { next: 'auto', icon: 'moon', label: 'Theme: dark' },
} as const;

const darkDevice = matchMedia('(prefers-color-scheme: dark)');

/** Sets the theme in effect, and again whenever the device changes. */
export function applyTheme(): void {
  showTheme();
  darkDevice.addEventListener('change', showTheme);
}

export function themeButton(): HTMLButtonElement {
  const button = el('button', { class: 'quiet-button', type: 'button' });
  const show = () => {
    const theme = THEMES[chosenTheme()];
    button.replaceChildren(icon(theme.icon), el('span', {}, theme.label));
  };
  button.addEventListener('click', () => {
    writeText('device', STORAGE_KEY, THEMES[chosenTheme()].next);
    showTheme();
    show();
  });
  show();
  return button;
}

function showTheme(): void {
  const theme = chosenTheme();
  const isDark = theme === 'dark' || (theme === 'auto' && darkDevice.matches);
  const inEffect = isDark ? 'dark' : 'light';
  if (document.documentElement.dataset['theme'] === inEffect) return;
  document.documentElement.dataset['theme'] = inEffect;
  document.dispatchEvent(new Event('themechange'));
}

function chosenTheme(): keyof typeof THEMES {
  const stored = readText('device', STORAGE_KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'auto';
}
