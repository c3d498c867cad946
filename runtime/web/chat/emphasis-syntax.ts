// Emphasis beside Chinese, Japanese and Korean: これは**「強調」**です。
// CommonMark wants a space between such a letter and asterisks that stand before or after punctuation, and these
// languages write none. As in the amendment at github.com/tats-u/markdown-cjk-friendly, asterisks beside one of
// their characters open and close wherever no space keeps them from it.
import { type MarkedExtension, Tokenizer } from 'marked';

const CJK = String.raw`[\u1100-\u11ff\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe6f\uff01-\uffee\u{20000}-\u{3fffd}]`;
const OTHER = String.raw`[^\s*]`;

const FIRST_IS_CJK = new RegExp(`^${CJK}`, 'u');
const OPENS_BEFORE_CJK = new RegExp(String.raw`^\*+${CJK}`, 'u');
/** Characters on both sides of asterisks, where one of both is of these languages. */
const BESIDE_ASTERISKS = new RegExp(
  [
    String.raw`${CJK}(?=\*+${OTHER})`,
    String.raw`${OTHER}(?=\*+${CJK})`,
    String.raw`(?<=${CJK}\*+)${OTHER}`,
    String.raw`(?<=${OTHER}\*+)${CJK}`,
  ].join('|'),
  'gu',
);

export const cjkEmphasis: MarkedExtension = {
  hooks: {
    // Where emphasis may end is looked for in this text; between two letters, asterisks open and close.
    emStrongMask: (text) => text.replaceAll(BESIDE_ASTERISKS, (found) => 'a'.repeat(found.length)),
  },
  tokenizer: {
    emStrong(text, masked, before = '') {
      const isBeside =
        text.startsWith('*') && (FIRST_IS_CJK.test(before) || OPENS_BEFORE_CJK.test(text));
      return Tokenizer.prototype.emStrong.call(this, text, masked, isBeside ? '' : before);
    },
  },
};
