// What one measurement found: a number, the bar that it must meet, and what else is worth knowing.
// Ratios where time is measured, as seconds say nothing on another machine.
// Printing is report-figures.ts.

export type Bar = { kind: 'at-least' | 'at-most'; value: number };

export type Figure = {
  /** What `--only` calls the part that measured it. */
  part: string;
  what: string;
  model: string;
  value: number;
  bar: Bar;
  isMet: boolean;
  /** Single numbers behind the value, with their units in their names. */
  details: Record<string, number>;
};

export function figure(found: Omit<Figure, 'isMet'>): Figure {
  const { value, bar } = found;
  const isMet = bar.kind === 'at-least' ? value >= bar.value : value <= bar.value;
  return { ...found, isMet };
}

/** One line, and one more for the details. */
export function describeFigure({ what, model, value, bar, isMet, details }: Figure): string {
  const than = bar.kind === 'at-least' ? '>=' : '<=';
  const numbers = Object.entries(details).map(([name, detail]) => `${name} ${round(detail)}`);
  return [
    `${isMet ? 'ok    ' : 'MISSED'} ${what}, ${model}: ${round(value)} (bar: ${than} ${round(bar.value)})`,
    ...(numbers.length > 0 ? [`         ${numbers.join(', ')}`] : []),
  ].join('\n');
}

function round(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 3 : 1);
}
