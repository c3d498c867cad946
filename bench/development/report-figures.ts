// The end of a benchmark: its figures on stdout, with how busy the machine was, and exit code 1 where a
// bar was missed.
import os from 'node:os';
import { describeFigure, type Figure } from './figure.js';

type Report = {
  /** As JSON, else a line a figure. */
  json: boolean;
  /** Numbers and switches that the run was told, with their units in their names. */
  setting?: Record<string, number | boolean | string>;
};

export function reportFigures(figures: readonly Figure[], { json, setting = {} }: Report): void {
  if (figures.some(({ isMet }) => !isMet)) process.exitCode = 1;
  const machine = { cores: os.availableParallelism(), load_average: os.loadavg()[0] ?? 0 };
  const text = json
    ? JSON.stringify({ ...machine, ...setting, figures }, null, 2)
    : [headline({ ...machine, ...setting }), ...figures.map(describeFigure)].join('\n');
  process.stdout.write(`${text}\n`);
}

function headline(facts: Record<string, number | boolean | string>): string {
  const words = Object.entries(facts).map(([name, value]) => {
    const figure = typeof value === 'number' ? Number(value.toFixed(1)) : value;
    return `${name.replaceAll('_', ' ')} ${figure}`;
  });
  return words.join(', ');
}
