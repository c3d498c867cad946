// Building and finding elements, in the few ways that these pages need.
// Text goes in as text nodes and attributes by name, so nothing here can be read as markup.

export type Child = Node | string | null | undefined | false;

type Props = {
  /** Attributes; false and undefined leave one out, true sets it empty. */
  [attribute: string]: string | number | boolean | undefined | ((event: Event) => void);
};

/** An element; a property that is a function listens to the event that its key names. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(element, name, value);
  element.append(...children.filter(isPresent));
  return element;
}

/** The element of the page's HTML with this id. Throws where the page has none of that type. */
export function byId<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`the page has no ${type.name} with id "${id}"`);
}

function setProp(element: HTMLElement, name: string, value: Props[string]): void {
  if (typeof value === 'function') element.addEventListener(name, value);
  else if (value === true) element.setAttribute(name, '');
  else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
}

function isPresent(child: Child): child is Node | string {
  return child !== null && child !== undefined && child !== false;
}
