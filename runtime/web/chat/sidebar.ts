// The list of conversations beside the chat: always there on a wide screen, a drawer on a phone.
// An open drawer takes the focus and makes the rest inert, as a dialog does.
import { byId } from '../shared/dom.js';

/** Returns what closes the drawer. */
export function sidebar(): () => void {
  const side = byId('sidebar', HTMLElement);
  const main = byId('main', HTMLElement);
  const button = byId('menu-button', HTMLButtonElement);
  const closeButton = byId('sidebar-close', HTMLButtonElement);
  const narrow = matchMedia('(max-width: 800px)');
  const set = (isOpen: boolean) => {
    document.body.classList.toggle('has-drawer', isOpen);
    button.setAttribute('aria-expanded', String(isOpen));
    side.inert = narrow.matches && !isOpen;
    main.inert = narrow.matches && isOpen;
  };
  const close = () => {
    if (!document.body.classList.contains('has-drawer')) return;
    set(false);
    button.focus();
  };
  button.addEventListener('click', () => {
    set(true);
    closeButton.focus();
  });
  closeButton.addEventListener('click', close);
  byId('sidebar-shade', HTMLElement).addEventListener('click', close);
  side.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });
  narrow.addEventListener('change', () => set(false));
  set(false);
  return close;
}
