// A text in three: what calibrates, what widths are chosen by, and what the result is judged on. The last
// two are its end, which calibration never sees, so that no figure is better than it will be on new text.

export type SplitText = {
  calibration: string;
  /** Chunks of it are numbered from 0: even ones choose, odd ones judge. */
  heldOut: string;
};

/** Of the whole text, what is held out at the most. */
const MOST_HELD_OUT = 0.3;
/** English has about four characters a token; fewer in most other languages. */
const CHARACTERS_PER_TOKEN = 6;

/** `heldOutTokens` are about as many as wanted. */
export function splitText(text: string, heldOutTokens: number): SplitText {
  const wanted = heldOutTokens * CHARACTERS_PER_TOKEN;
  const length = Math.min(wanted, Math.floor(text.length * MOST_HELD_OUT));
  const start = text.indexOf('\n', text.length - length) + 1;
  const cut = start > 0 ? start : text.length - length;
  return { calibration: text.slice(0, cut), heldOut: text.slice(cut) };
}
