// Checks that a sentencepiece vocabulary can spell any byte.
// Without one of these tokens llama.cpp throws while it tokenises, which ends the whole process.
// Byte-level BPE needs none of this: llama.cpp drops what it cannot spell.
import { CheckpointError } from '../checkpoint/checkpoint-error.js';
import { quote, type TokenRows } from './token-rows.js';

/** A token such as `<0x0A>`. */
export const BYTE_TOKEN = /^<0x[0-9A-Fa-f]{2}>$/;

/** Throws {@link CheckpointError} unless all of `<0x00>` to `<0xFF>` are among the tokens. */
export function checkByteTokens({ tokens, filePath }: TokenRows): void {
  const bytes = new Set(tokens.filter((token) => BYTE_TOKEN.test(token)));
  for (let byte = 0; byte < 256; byte++) {
    const name = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
    if (!bytes.has(name))
      throw new CheckpointError(
        filePath,
        `its tokenizer has no token ${quote(name)}; llama.cpp needs sentencepiece's byte fallback`,
      );
  }
}
