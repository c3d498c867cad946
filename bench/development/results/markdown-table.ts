// A table of the documentation, with cells of one width, as its other tables have.
// Columns that no row has a figure for are left out.

export type MarkdownColumn<Row> = { head: string; isNumber?: true; cell: (row: Row) => string };

/** Ends with a line break. */
export function markdownTable<Row>(
  all: readonly MarkdownColumn<Row>[],
  rows: readonly Row[],
): string {
  const columns = all.filter(({ cell }) => rows.some((row) => cell(row) !== ''));
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = columns.map(({ head }, i) =>
    Math.max(head.length, ...cells.map((line) => (line[i] ?? '').length)),
  );
  const line = (texts: string[]) => `| ${texts.join(' | ')} |\n`;
  const pad = (text: string, i: number) =>
    columns[i]?.isNumber ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
  const rule = columns.map(({ isNumber }, i) =>
    isNumber ? `${'-'.repeat((widths[i] ?? 1) - 1)}:` : '-'.repeat(widths[i] ?? 0),
  );
  return [columns.map(({ head }) => head).map(pad), rule, ...cells.map((row) => row.map(pad))]
    .map(line)
    .join('');
}
