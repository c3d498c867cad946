// JSON that a stranger wrote. JSON.parse takes any depth, but whatever walks the result afterwards ends
// with "Maximum call stack size exceeded", which names neither the file nor the fault.

/** Deeper than any file that hearth reads. */
const MAX_DEPTH = 200;

/** As JSON.parse. Throws SyntaxError, for values that are nested too deep as well. */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw new SyntaxError(`more than ${MAX_DEPTH} levels deep`);
    level = level.flatMap(childrenOf);
  }
  return value;
}

function childrenOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}
