// The text that hearth calibrates with where the user gives none: prose, dialogue, technical writing and
// code, of sources in the public domain. scripts/make-calibration-text.mjs makes it and names them.
// Not the text that hearth compare scores models on.
import { readFile } from 'node:fs/promises';
import { readTextFile } from '../terminal/text-file.js';
import { CalibrationError } from './calibration-error.js';

export const GENERAL_TEXT_NAME = "hearth's general text";

const MAX_TEXT_BYTES = 64 * 2 ** 20;

/** One after another, in the order in which they are named. */
export async function readTexts(
  files: readonly string[],
): Promise<{ texts: string; names: string[] }> {
  if (files.length === 0) return { texts: await readGeneralText(), names: [GENERAL_TEXT_NAME] };
  const texts: string[] = [];
  for (const file of files) texts.push(checkText(file, await readTextFile(file, MAX_TEXT_BYTES)));
  return { texts: texts.join('\n'), names: [...files] };
}

/** Without its last newline, as llama-imatrix reads it. */
function checkText(file: string, content: string): string {
  if (content.trim() === '') throw new CalibrationError(`${file} is empty; name a file of text`);
  if (content.includes('\0'))
    throw new CalibrationError(
      `${file} has bytes of zero in it and is no text; name a file of text`,
    );
  return content.replace(/\n$/, '');
}

async function readGeneralText(): Promise<string> {
  return await readFile(new URL('./text/general.txt', import.meta.url), 'utf8');
}
