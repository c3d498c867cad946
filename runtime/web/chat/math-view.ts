// Formulas drawn by KaTeX, which is loaded with its style and fonts when the first one is seen.
// KaTeX builds elements by itself and takes no commands that link, load or style (`trust` is off); what
// it cannot read stays as it was written.

const MAX_LETTERS = 4_000;
/** A formula that defines commands could otherwise grow without end. */
const LIMITS = { maxExpand: 500, maxSize: 20 };

let katex: typeof import('katex').default | null = null;
let loading: Promise<void> | null = null;

/** Draws the formulas in it now, or as soon as KaTeX is there. */
export function drawMath(element: ParentNode): void {
  const formulas = [...element.querySelectorAll<HTMLElement>('code[data-math]')];
  if (formulas.length === 0) return;
  if (katex) for (const formula of formulas) draw(formula);
  else void load().then(() => formulas.forEach(draw));
}

function draw(formula: HTMLElement): void {
  const tex = formula.textContent ?? '';
  if (!katex || tex.length > MAX_LETTERS) return;
  const displayMode = formula.dataset['math'] === 'display';
  const drawn = document.createElement('span');
  drawn.className = displayMode ? 'math wide' : 'math';
  if (displayMode) drawn.tabIndex = 0;
  try {
    katex.render(tex, drawn, { displayMode, trust: false, strict: 'ignore', ...LIMITS });
  } catch {
    return;
  }
  formula.replaceWith(drawn);
}

/** Without it, as when the device was switched off meanwhile, formulas stay as they were written. */
function load(): Promise<void> {
  loading ??= Promise.all([import('katex'), loadStyle()]).then(
    ([module]) => {
      katex = module.default;
    },
    () => {
      loading = null;
    },
  );
  return loading;
}

function loadStyle(): Promise<void> {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = document.documentElement.dataset['mathStyle'] ?? '';
  document.head.append(link);
  return new Promise((resolve, reject) => {
    link.addEventListener('load', () => resolve());
    link.addEventListener('error', () => reject(new Error('the style of formulas did not load')));
  });
}
