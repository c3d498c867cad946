// A text in three: what calibrates, what widths are chosen by, and what the result is judged on. The last
// two are its end, which calibration never sees, so that no figure is better than it will be on new text.

import { plural } from '../terminal/units.js';
import { CalibrationError } from './calibration-error.js';

export type SplitText = { calibration: string; choosing: string; judging: string };

/** Of the whole text, what is held out at the most. */
const MOST_HELD_OUT = 0.3;
/** More than there are in most texts, so that enough tokens are left. */
const CHARACTERS_PER_TOKEN = 6;

/** Both of the parts held out have about so many tokens, less of a short text. Cuts between lines. */
export function splitText(text: string, tokens: { choosing: number; judging: number }): SplitText {
  const wanted = (tokens.choosing + tokens.judging) * CHARACTERS_PER_TOKEN;
  const scale = Math.min(1, (text.length * MOST_HELD_OUT) / wanted);
  const judged = cutBefore(text, text.length, tokens.judging * CHARACTERS_PER_TOKEN * scale);
  const chosen = cutBefore(text, judged, tokens.choosing * CHARACTERS_PER_TOKEN * scale);
  return {
    calibration: text.slice(0, chosen),
    choosing: text.slice(chosen, judged),
    judging: text.slice(judged),
  };
}

/** What is held out of as many is enough to judge by, at 5 characters a token. */
const LEAST_CHARACTERS = 32_768;

/** Before any long work. Throws {@link CalibrationError}. */
export function checkLength(text: string, names: readonly string[]): void {
  if (text.length >= LEAST_CHARACTERS) return;
  throw new CalibrationError(
    `${names.join(', ')}: ${plural(text.length, 'character')} of text; pruning calibrates by most of a text and is judged on the rest, and needs ${LEAST_CHARACTERS} or more; give a longer --text`,
  );
}

/** Of what is wanted, what may be missing for the cut to be between lines. */
const MOST_MISSING = 0.1;

/** Where the last `length` characters before `end` begin: a line if one begins soon, for lines may be long. */
function cutBefore(text: string, end: number, length: number): number {
  const position = Math.floor(end - length);
  const line = text.indexOf('\n', position) + 1;
  return line > 0 && line - position <= MOST_MISSING * length ? line : position;
}
