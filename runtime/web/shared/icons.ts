// The pages' icons: strokes on a 24 x 24 grid, drawn in the colour of the text beside them.
// Built as elements, because the content security policy allows no data: images.
// Icons are decoration: the button around one carries the label.

const PATHS = {
  plus: 'M12 5v14M5 12h14',
  menu: 'M4 7h16M4 12h16M4 17h16',
  more: 'M5.5 12h.01M12 12h.01M18.5 12h.01',
  send: 'M12 19V6M6 11.5 12 5.5l6 6',
  stop: 'M8 8h8v8H8z',
  copy: 'M9 9h10v11H9zM15 9V5H5v11h4',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  retry: 'M20 12a8 8 0 1 1-2.5-5.8M20 4v4.5h-4.5',
  sliders:
    'M4 8h8.5M17.5 8H20M4 16h2.5M11.5 16H20M15 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM9 13.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M20 14.5A8.3 8.3 0 0 1 9.5 4a8.3 8.3 0 1 0 10.5 10.5Z',
  auto: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 3.5v17M12 8h7.5M12 12h8.5M12 16h7.5',
  down: 'M12 5v13M6 12.5l6 6 6-6',
  close: 'm6 6 12 12M18 6 6 18',
  chart: 'M4 20h16M7 16v-4M12 16V6M17 16v-7',
  chat: 'M5 5h14v11h-8l-4 3.5V16H5z',
  edit: 'M4.5 19.5 5.5 15 16 4.5l3.5 3.5L9 18.5zM13.5 7l3.5 3.5',
  back: 'm14.5 6-6 6 6 6',
  forward: 'm9.5 6 6 6-6 6',
  attach:
    'm19.5 11-7.8 7.8a5 5 0 0 1-7-7L12 4.5a3.3 3.3 0 0 1 4.7 4.7L9.4 16.5a1.7 1.7 0 0 1-2.4-2.4L13.5 7.5',
  open: 'M12 4v11M7.5 10.5 12 15l4.5-4.5M5 19.5h14',
  file: 'M7 3.5h7l4 4v13H7zM13.5 4v4H18',
  language:
    'M3.5 6.5h10M8.5 4.5v2M11.5 6.5c-1 4-3.5 7-7 9M6 9.5c1 2.5 3 4.5 5.5 5.5M12.5 19.5l4-9.5 4 9.5M14 16.5h5',
} as const;

export type IconName = keyof typeof PATHS;

const SVG = 'http://www.w3.org/2000/svg';

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

/** Puts an icon into each element of the page's HTML that names one in `data-icon`. */
export function drawIcons(): void {
  for (const element of document.querySelectorAll<HTMLElement>('[data-icon]'))
    element.prepend(icon(element.dataset['icon'] as IconName));
}
