// Which names somebody may have meant: those that differ in the fewest characters.
// A name that the typed text is part of is nearest, because people leave out the memory or the maker.

/** At most `count` of `names`, nearest first. */
export function nearestNames(typed: string, names: readonly string[], count = 3): string[] {
  const text = typed
    .toLowerCase()
    .trim()
    .replaceAll(/[\s_]+/g, '-');
  const distance = (name: string) =>
    name.includes(text)
      ? (name.length - text.length) / name.length
      : editDistance([...text], [...name]);
  return names
    .map((name) => ({ name, distance: distance(name) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

/** Levenshtein's, with one row kept: items to insert, delete or replace. */
export function editDistance<Item>(a: readonly Item[], b: readonly Item[]): number {
  const row = Uint32Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, item] of a.entries()) {
    let diagonal = row[0] as number;
    row[0] = i + 1;
    for (let j = 1; j <= b.length; j++) {
      const replace = diagonal + Number(item !== b[j - 1]);
      diagonal = row[j] as number;
      row[j] = Math.min(replace, diagonal + 1, (row[j - 1] as number) + 1);
    }
  }
  return row[b.length] as number;
}
