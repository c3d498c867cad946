// The text of a file that a person adds to a question; a PDF's text is read in a worker of its own.
// What a file is named says nothing about what it holds: its bytes decide, and a file whose name
// promises something else is refused, as is one that is no text. Sizes are checked before it is read.
import { formatCount, formatFileSize } from '../../shared/format.js';
import { texts } from '../../texts/texts.js';
import type { Attachment } from '../conversation.js';
import { AttachmentError } from './attachment-error.js';
import { MAX_LETTERS, MAX_PDF_BYTES, MAX_TEXT_BYTES } from './limits.js';

/** Control characters that no text holds; tab, line ends, form feed and escape are in some. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_TEXT = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;
/** Accented letters, read as Japanese, become single characters, never kana. */
const JAPANESE = /[ぁ-ヶ]|[一-龠ｦ-ﾟ]{3}/;
const PDF_MARK = '%PDF-';
/** Readers take a PDF that begins so late, and so do writers. */
const PDF_MARK_WITHIN = 1024;

/** Throws {@link AttachmentError}, and what the browser throws where the file cannot be read. */
export async function readAttachment(file: File, signal: AbortSignal): Promise<Attachment> {
  const { name } = file;
  const isNamedPdf = /\.pdf$/i.test(name);
  const most = isNamedPdf ? MAX_PDF_BYTES : MAX_TEXT_BYTES;
  if (file.size === 0) throw new AttachmentError(texts.attachments.empty(name));
  if (file.size > most)
    throw new AttachmentError(
      texts.attachments.tooLarge(name, formatFileSize(file.size), formatFileSize(most)),
    );
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isPdf = holdsPdf(bytes);
  if (isNamedPdf && !isPdf) throw new AttachmentError(texts.attachments.notPdf(name));
  if (isPdf && !isNamedPdf) throw new AttachmentError(texts.attachments.isPdf(name));
  const text = isPdf ? await pdfTextOf(name, bytes, signal) : decode(bytes);
  if (text === null) throw new AttachmentError(texts.attachments.binary(name));
  if (text.length > MAX_LETTERS)
    throw new AttachmentError(texts.attachments.tooMuch(name, formatCount(MAX_LETTERS)));
  return { name, text };
}

/** A chunk of its own: most people never add a PDF. */
async function pdfTextOf(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<string> {
  const { readPdf } = await import('./pdf-text.js');
  return readPdf(name, bytes, signal);
}

function holdsPdf(bytes: Uint8Array): boolean {
  const head = String.fromCharCode(...bytes.subarray(0, PDF_MARK_WITHIN));
  return head.includes(PDF_MARK);
}

/** Null where it is no text. Windows still writes its old encodings; UTF-16 says that it is. */
function decode(bytes: Uint8Array): string | null {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return textIn('utf-16le', bytes);
  if (first === 0xfe && second === 0xff) return textIn('utf-16be', bytes);
  // Hiragana of EUC-JP is valid Shift_JIS as well; the other way round it is not.
  const japanese = ['euc-jp', 'shift_jis'].map((encoding) => textIn(encoding, bytes));
  return (
    textIn('utf-8', bytes) ??
    japanese.find((text) => text !== null && JAPANESE.test(text)) ??
    textIn('windows-1252', bytes)
  );
}

function textIn(encoding: string, bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return NOT_TEXT.test(text) ? null : text.replaceAll('\r\n', '\n');
  } catch {
    return null;
  }
}
