// Which names somebody may have meant: those that differ in the fewest characters.
// A name that the typed text is part of is nearest, because people leave out the memory or the maker.
// Judges only spelling.

/** At most `count` of `names`, nearest first. */
export function nearestNames(typed: string, names: readonly string[], count = 3): string[] {
  const text = typed
    .toLowerCase()
    .trim()
    .replaceAll(/[\s_]+/g, '-');
  const distance = (name: string) =>
    name.includes(text) ? (name.length - text.length) / name.length : editDistance(text, name);
  return names
    .map((name) => ({ name, distance: distance(name) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

/** Levenshtein's: characters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] as number) + (character === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
