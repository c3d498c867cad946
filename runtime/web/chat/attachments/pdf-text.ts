// The text of a PDF, page by page, by pdf.js.
// The file is parsed in a worker that is ended after a while, whatever it does, and that cannot take
// memory without end (pdf-worker.ts). Nothing of it is drawn, and no script in it is run.
import { getDocument, PDFWorker } from 'pdfjs-dist';
import { formatCount } from '../../shared/format.js';
import { texts } from '../../texts/texts.js';
import { AttachmentError } from './attachment-error.js';
import { MAX_LETTERS, MAX_PDF_PAGES, PDF_TIME_MS } from './limits.js';

/** Throws {@link AttachmentError} and, where `signal` ends it, its reason. */
export async function readPdf(
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<string> {
  const port = new Worker(addressOf('pdfWorker'), { type: 'module' });
  try {
    const text = await Promise.race([textOf(name, bytes, port), endOf(name, port, signal)]);
    if (text.trim() === '') throw new AttachmentError(texts.attachments.noText(name));
    return text;
  } catch (error) {
    if (error instanceof AttachmentError || signal.aborted) throw error;
    const { locked, broken } = texts.attachments;
    const isLocked = error instanceof Error && error.name === 'PasswordException';
    throw new AttachmentError(isLocked ? locked(name) : broken(name));
  } finally {
    port.terminate();
  }
}

async function textOf(name: string, bytes: Uint8Array, port: Worker): Promise<string> {
  const document = await getDocument({
    data: bytes,
    worker: PDFWorker.create({ port } as Parameters<typeof PDFWorker.create>[0]),
    cMapUrl: addressOf('pdfCmaps'),
    useWorkerFetch: true,
    disableFontFace: true,
    useSystemFonts: false,
    isImageDecoderSupported: false,
    isOffscreenCanvasSupported: false,
    enableXfa: false,
    stopAtErrors: false,
    verbosity: 0,
  }).promise;
  const pages: string[] = [];
  let letters = 0;
  for (let at = 1; at <= Math.min(document.numPages, MAX_PDF_PAGES); at++) {
    const page = await document.getPage(at);
    const text = linesOf((await page.getTextContent()).items);
    letters += text.length;
    if (letters > MAX_LETTERS)
      throw new AttachmentError(texts.attachments.tooMuch(name, formatCount(MAX_LETTERS)));
    pages.push(text);
  }
  return pages.join('\n\n');
}

function linesOf(items: readonly object[]): string {
  const words = items.map((item) =>
    'str' in item ? `${item.str}${'hasEOL' in item && item.hasEOL ? '\n' : ''}` : '',
  );
  return words.join('').replaceAll('\0', '').trim();
}

/** Rejects when it took too long, when it is not wanted any more, or when the worker dies. */
function endOf(name: string, port: Worker, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const tooLong = texts.attachments.tooLong(name, PDF_TIME_MS / 1000);
    const timer = setTimeout(() => reject(new AttachmentError(tooLong)), PDF_TIME_MS);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
    port.addEventListener('error', ({ message }) => reject(new Error(message)));
  });
}

/** Assets have their hash in their name; the page's HTML says which they are. */
function addressOf(name: 'pdfWorker' | 'pdfCmaps'): string {
  return new URL(document.documentElement.dataset[name] ?? '', document.baseURI).href;
}
