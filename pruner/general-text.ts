// The text that hearth calibrates with where the user gives none: prose, dialogue, technical writing and
// code, of sources in the public domain. scripts/make-calibration-text.mjs makes it and names them.
// Not the text that hearth compare scores models on.
import { readFile } from 'node:fs/promises';

export const GENERAL_TEXT_NAME = "hearth's general text";

export async function readGeneralText(): Promise<string> {
  return await readFile(new URL('./text/general.txt', import.meta.url), 'utf8');
}
