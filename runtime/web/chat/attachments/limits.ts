// How much of files is taken in. A model at home reads some thousand words at a time; what is larger
// than these would only keep the page and the device busy.

export const MAX_FILES = 8;
export const MAX_TEXT_BYTES = 2e6;
export const MAX_PDF_BYTES = 30e6;
/** Of one file, when it is text. */
export const MAX_LETTERS = 1_000_000;
export const MAX_PDF_PAGES = 1_000;
/** A PDF is a program of a kind, and one may never end. */
export const PDF_TIME_MS = 20_000;
/** The largest piece of memory that reading a PDF may ask for. */
export const MAX_PDF_PIECE_BYTES = 128 * 2 ** 20;
