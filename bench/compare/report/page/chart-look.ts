// What all charts of the report have in common: colours of the style sheet, axes, legend, no animation,
// and figures as a person reads them, short enough to stand beside a bar.

export function shared() {
  return {
    animation: false as const,
    maintainAspectRatio: false,
    layout: { padding: { right: 78 } },
  };
}

export function valueAxis(words: Words) {
  return {
    beginAtZero: true,
    grid: { color: colourOf('--line') },
    border: { display: false },
    ticks: {
      color: colourOf('--ink-soft'),
      maxTicksLimit: 5,
      maxRotation: 0,
      callback: (value: string | number) => words(Number(value)),
    },
  };
}

export function axisTitle(text: string) {
  return { display: true, text, color: colourOf('--ink-soft') };
}

export function legend(isShown: boolean) {
  const labels = {
    color: colourOf('--ink-soft'),
    padding: 12,
    boxHeight: 10,
    boxWidth: 10,
    usePointStyle: true,
  };
  return { display: isShown, align: 'start' as const, labels };
}

/** A colour of the style sheet in the theme in effect. */
export function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export type Words = (value: number) => string;

export function figure(value: number): string {
  return new Intl.NumberFormat('en', { maximumSignificantDigits: value < 1000 ? 3 : 4 }).format(
    value,
  );
}

export function duration(ms: number): string {
  return ms < 1000 ? `${figure(ms)} ms` : `${figure(ms / 1000)} s`;
}

export function memory(mib: number): string {
  return mib >= 1024 ? `${figure(mib / 1024)} GiB` : `${figure(mib)} MiB`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}
