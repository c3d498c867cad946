// Text from a model, a file or an error on its way to a terminal.
// A terminal obeys control characters: they could retitle it, hide text or type for the user.
// Letters are left alone, whatever their direction.

const FIRST_PICTURE = 0x2400;
const DELETE = 0x7f;
const DELETE_PICTURE = '\u2421';

/** `text` with control characters as visible signs, newline and tab aside: ESC becomes `␛`. */
export function safeText(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, picture);
}

function picture(control: string): string {
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(FIRST_PICTURE + code);
  return code === DELETE ? DELETE_PICTURE : `\\x${code.toString(16)}`;
}
