// PDFs of one page for tests, written by hand: what a page says, and what a hostile one does.
import { deflateSync } from 'node:zlib';

export type PdfParts = {
  /** The page's content stream, as operators. */
  content?: string | Buffer;
  /** How often the content is packed, which the stream says. */
  deflated?: number;
  /** Names of the resource `/XObject`, each with an object's number. */
  xObjects?: string;
  font?: string;
  /** More objects, from number 6 on. */
  objects?: string[];
  trailer?: string;
};

const HELVETICA = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>';

/** Of these words, in a row. */
export function pdfOf(words: string): Buffer {
  return smallPdf({ content: `BT /F1 12 Tf 20 100 Td (${words}) Tj ET` });
}

export function smallPdf(parts: PdfParts): Buffer {
  const { content = '', deflated = 0, font = HELVETICA, xObjects = '', objects = [] } = parts;
  let stream = Buffer.from(content);
  for (let i = 0; i < deflated; i++) stream = deflateSync(stream);
  const filters = '/FlateDecode '.repeat(deflated);
  const head = `<< /Length ${stream.length} /Filter [${filters}] >>\nstream\n`;
  const all = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R
      /Resources << /Font << /F1 5 0 R >> /XObject << ${xObjects} >> >> >>`,
    Buffer.concat([Buffer.from(head), stream, Buffer.from('\nendstream')]),
    font,
    ...objects,
  ];
  return assemble(all, parts.trailer ?? '');
}

function assemble(objects: (string | Buffer)[], trailer: string): Buffer {
  const chunks = [Buffer.from('%PDF-1.7\n')];
  const offsets: number[] = [];
  let size = chunks[0]?.length ?? 0;
  objects.forEach((object, i) => {
    const head = Buffer.from(`${i + 1} 0 obj\n`);
    const chunk = Buffer.concat([head, Buffer.from(object), Buffer.from('\nendobj\n')]);
    offsets.push(size);
    size += chunk.length;
    chunks.push(chunk);
  });
  const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  const count = objects.length + 1;
  chunks.push(
    Buffer.from(`xref\n0 ${count}\n0000000000 65535 f \n${rows}`),
    Buffer.from(`trailer << /Size ${count} /Root 1 0 R ${trailer} >>\nstartxref\n${size}\n%%EOF\n`),
  );
  return Buffer.concat(chunks);
}
