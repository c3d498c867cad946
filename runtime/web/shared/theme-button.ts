// The button that goes through the themes, and names the one that is chosen.
import { texts } from '../texts/texts.js';
import { el } from './dom.js';
import { type IconName, icon } from './icons.js';
import { chooseNextTheme, chosenTheme, type Theme } from './theme.js';

const ICONS: Record<Theme, IconName> = { auto: 'auto', light: 'sun', dark: 'moon' };

export function themeButton(): HTMLButtonElement {
  const button = el('button', { class: 'quiet-button', type: 'button' });
  const show = () => {
    const theme = chosenTheme();
    button.replaceChildren(icon(ICONS[theme]), el('span', {}, texts.common.theme[theme]));
  };
  button.addEventListener('click', () => {
    chooseNextTheme();
    show();
  });
  document.addEventListener('textschange', show);
  show();
  return button;
}
