// The list of conversations beside the chat: always there on a wide screen, a drawer on a phone.
// An open drawer takes the focus and makes the rest inert, as a dialog does.
import { byId } from '../shared/dom.js';

export class Sidebar {
  readonly #sidebar = byId('sidebar', HTMLElement);
  readonly #main = byId('main', HTMLElement);
  readonly #button = byId('menu-button', HTMLButtonElement);
  readonly #narrow = matchMedia('(max-width: 800px)');

  constructor() {
    this.#button.addEventListener('click', () => this.#open());
    byId('sidebar-close', HTMLButtonElement).addEventListener('click', () => this.close());
    byId('sidebar-shade', HTMLElement).addEventListener('click', () => this.close());
    this.#sidebar.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
    this.#narrow.addEventListener('change', () => this.#set(false));
    this.#set(false);
  }

  close(): void {
    if (!document.body.classList.contains('has-drawer')) return;
    this.#set(false);
    this.#button.focus();
  }

  #open(): void {
    this.#set(true);
    byId('sidebar-close', HTMLButtonElement).focus();
  }

  #set(isOpen: boolean): void {
    document.body.classList.toggle('has-drawer', isOpen);
    this.#button.setAttribute('aria-expanded', String(isOpen));
    this.#sidebar.inert = this.#narrow.matches && !isOpen;
    this.#main.inert = this.#narrow.matches && isOpen;
  }
}
