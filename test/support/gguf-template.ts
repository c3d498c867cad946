// A GGUF with another chat template, whatever that is: the converter would refuse some.
// Spaces behind it shift what follows by whole alignments, so that all else stays as it is; a template
// that ends with `-#}` does not tell them.
import { readFile, writeFile } from 'node:fs/promises';

const KEY = 'tokenizer.chat_template';
const ALIGNMENT = 32;

export async function withTemplate(
  ggufPath: string,
  template: string,
  output: string,
): Promise<string> {
  const bytes = await readFile(ggufPath);
  // After the key come its type (4 bytes), the length of the string (8 bytes) and the string.
  const lengthAt = bytes.indexOf(KEY) + KEY.length + 4;
  const oldLength = Number(bytes.readBigUInt64LE(lengthAt));
  const text = Buffer.from(template);
  const spaces = (((oldLength - text.length) % ALIGNMENT) + ALIGNMENT) % ALIGNMENT;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length + spaces));
  const before = bytes.subarray(0, lengthAt);
  const after = bytes.subarray(lengthAt + 8 + oldLength);
  await writeFile(output, Buffer.concat([before, length, text, Buffer.alloc(spaces, ' '), after]));
  return output;
}
