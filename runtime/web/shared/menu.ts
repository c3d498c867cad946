// A button that opens a short menu, with the keys that a menu has.
// The list is placed by hand in the window, so no scrolling box around the button cuts it off.
// One menu is open at a time: it closes when the focus leaves it.
import { el } from './dom.js';
import { icon } from './icons.js';

export type MenuItem = { label: string; tone?: 'danger'; run: () => void };

/** `label` says of what the menu is. */
export function menuButton(label: string, items: MenuItem[]): HTMLButtonElement {
  const aria = { 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-label': label };
  const props = { class: 'icon-button menu-button', type: 'button', ...aria };
  const button = el('button', props, icon('more'));
  button.addEventListener('click', () => openMenu(button, label, items));
  return button;
}

function openMenu(button: HTMLButtonElement, label: string, items: MenuItem[]): void {
  const menu = el('div', { class: 'menu', role: 'menu', 'aria-label': label });
  const close = () => {
    // Removing the focused menu makes the focus leave it, which closes again.
    if (button.getAttribute('aria-expanded') === 'false') return;
    button.setAttribute('aria-expanded', 'false');
    menu.remove();
  };
  menu.append(...items.map((item) => itemButton(item, close)));
  menu.addEventListener('keydown', (event) => onKey(event, menu, button));
  menu.addEventListener('focusout', ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && menu.contains(relatedTarget))) close();
  });
  document.body.append(menu);
  button.setAttribute('aria-expanded', 'true');
  place(menu, button);
  move(menu, 0);
}

function itemButton({ label, tone, run }: MenuItem, close: () => void): HTMLElement {
  const item = el('button', { role: 'menuitem', type: 'button', tabindex: -1 }, label);
  if (tone) item.classList.add(tone);
  item.addEventListener('click', () => {
    close();
    run();
  });
  return item;
}

function onKey(event: KeyboardEvent, menu: HTMLElement, button: HTMLButtonElement): void {
  const items = [...menu.children];
  const at = document.activeElement ? items.indexOf(document.activeElement) : -1;
  const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (target !== undefined) move(menu, target);
  else if (event.key === 'Escape') button.focus();
  else return;
  event.preventDefault();
}

/** Focuses an item; before the first comes the last. */
function move(menu: HTMLElement, index: number): void {
  const count = menu.childElementCount;
  const item = menu.children[(index + count) % count];
  if (item instanceof HTMLElement) item.focus();
}

function place(menu: HTMLElement, button: HTMLButtonElement): void {
  const at = button.getBoundingClientRect();
  const left = Math.min(at.left, innerWidth - menu.offsetWidth - 8);
  const isBelow = at.bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${isBelow ? at.bottom + 4 : at.top - menu.offsetHeight - 4}px`;
}
