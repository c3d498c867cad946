// The arguments with which a checkpoint was pruned, from LLM-Pruner's description.txt.
// Only provenance: nothing is computed from them, so an unreadable line is passed over.
import path from 'node:path';
import { isFile, readWholeFile } from './source-file.js';

export const DESCRIPTION = 'description.txt';
const MAX_DESCRIPTION_BYTES = 1 << 20;
/** Blanks only: \s would run over all empty lines that follow, again for each of them. */
const ARGUMENT = /^[ \t]*- ([\w-]+): ?(.*\S)[ \t]*$/gm;

/** `  - pruning_ratio: 0.29` and its like by name; null where the folder has no such file. */
export async function readPruningArguments(folder: string): Promise<Record<string, string> | null> {
  const filePath = path.join(folder, DESCRIPTION);
  if (!(await isFile(filePath))) return null;
  const text = (await readWholeFile(filePath, MAX_DESCRIPTION_BYTES)).toString('utf8');
  const lines = [...text.matchAll(ARGUMENT)];
  return Object.fromEntries(lines.map(([, name, value]) => [name, value]));
}
