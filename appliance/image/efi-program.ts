// An EFI program with sections behind its own, as systemd's stub finds kernel, initramfs and command line.
// Written here and not by objcopy: binutils of another architecture would be needed for its programs, and
// ukify, which does the same, came after Debian 12. Signs nothing.
import { roundUp } from '../../model/round-up.js';
import { ImageError } from './image-machine.js';

export type Section = { name: string; content: Buffer };

/** Of a PE file, by https://learn.microsoft.com/en-us/windows/win32/debug/pe-format */
const SECTION_HEADER_BYTES = 40;
const MAX_NAME_BYTES = 8;
const PE32_PLUS = 0x20b;
/** Initialised data that is read. */
const CHARACTERISTICS = 0x4000_0040;

type Headers = {
  /** where COFF's header begins, and the one behind it, called optional */
  coffAt: number;
  optionalAt: number;
  /** of the headers of sections */
  tableAt: number;
  nSections: number;
  sectionAlignment: number;
  fileAlignment: number;
  /** room of all headers */
  headersBytes: number;
};

/** In the order given, and in memory too. Throws {@link ImageError}. */
export function withSections(program: Buffer, sections: readonly Section[]): Buffer {
  const headers = headersOf(program);
  const { tableAt, nSections, headersBytes, sectionAlignment, fileAlignment } = headers;
  const total = nSections + sections.length;
  if (tableAt + total * SECTION_HEADER_BYTES > headersBytes)
    throw new ImageError(`an EFI program has no room for ${sections.length} more sections`);
  let { fileAt, memoryAt } = endOf(program, headers);
  // Behind the sections are symbols at most, which no firmware reads.
  const head = Buffer.from(program.subarray(0, fileAt));
  const parts: Buffer[] = [head, Buffer.alloc(roundUp(fileAt, fileAlignment) - head.length)];
  fileAt = roundUp(fileAt, fileAlignment);
  for (const [index, { name, content }] of sections.entries()) {
    memoryAt = roundUp(memoryAt, sectionAlignment);
    const at = tableAt + (nSections + index) * SECTION_HEADER_BYTES;
    const sizeBytes = roundUp(content.length, fileAlignment);
    writeHeader(head, at, { name, content, memoryAt, fileAt, sizeBytes });
    parts.push(content, Buffer.alloc(sizeBytes - content.length));
    fileAt += sizeBytes;
    memoryAt += content.length;
  }
  writeTotals(head, headers, { total, imageBytes: roundUp(memoryAt, sectionAlignment) });
  return Buffer.concat(parts);
}

function headersOf(program: Buffer): Headers {
  const wrong = (why: string) => new ImageError(`this is no EFI program: ${why}`);
  if (program.length < 64 || program.toString('latin1', 0, 2) !== 'MZ') throw wrong('it has no MZ');
  const coffAt = program.readUInt32LE(0x3c) + 4;
  const optionalAt = coffAt + 20;
  if (optionalAt + 112 > program.length) throw wrong('it ends within its headers');
  if (program.toString('latin1', coffAt - 4, coffAt) !== 'PE\0\0') throw wrong('it has no PE');
  if (program.readUInt16LE(optionalAt) !== PE32_PLUS) throw wrong('it is not of 64 bits');
  const headers = {
    ...{ coffAt, optionalAt, tableAt: optionalAt + program.readUInt16LE(coffAt + 16) },
    nSections: program.readUInt16LE(coffAt + 2),
    sectionAlignment: program.readUInt32LE(optionalAt + 32),
    fileAlignment: program.readUInt32LE(optionalAt + 36),
    headersBytes: program.readUInt32LE(optionalAt + 60),
  };
  const { tableAt, nSections, headersBytes } = headers;
  if (headersBytes > program.length) throw wrong('it ends within its headers');
  if (tableAt + nSections * SECTION_HEADER_BYTES > headersBytes)
    throw wrong('its sections are cut');
  if (!isAlignment(headers.fileAlignment) || !isAlignment(headers.sectionAlignment))
    throw wrong('its alignment is no power of two');
  return headers;
}

function isAlignment(bytes: number): boolean {
  return bytes > 0 && bytes <= 1 << 20 && (bytes & (bytes - 1)) === 0;
}

/** Where its last section ends, in the file and in memory. */
function endOf(program: Buffer, { tableAt, nSections, headersBytes }: Headers) {
  let fileAt = headersBytes;
  let memoryAt = headersBytes;
  for (let index = 0; index < nSections; index++) {
    const at = tableAt + index * SECTION_HEADER_BYTES;
    const [virtualBytes, virtualAt, rawBytes, rawAt] = [8, 12, 16, 20].map((field) =>
      program.readUInt32LE(at + field),
    ) as [number, number, number, number];
    fileAt = Math.max(fileAt, rawAt + rawBytes);
    memoryAt = Math.max(memoryAt, virtualAt + Math.max(virtualBytes, rawBytes));
  }
  if (fileAt > program.length) throw new ImageError('an EFI program ends within its sections');
  return { fileAt, memoryAt };
}

type Placed = Section & { memoryAt: number; fileAt: number; sizeBytes: number };

function writeHeader(head: Buffer, at: number, { name, content, ...placed }: Placed): void {
  head.fill(0, at, at + SECTION_HEADER_BYTES);
  head.write(name, at, MAX_NAME_BYTES, 'latin1');
  head.writeUInt32LE(content.length, at + 8);
  head.writeUInt32LE(placed.memoryAt, at + 12);
  head.writeUInt32LE(placed.sizeBytes, at + 16);
  head.writeUInt32LE(placed.fileAt, at + 20);
  head.writeUInt32LE(CHARACTERISTICS, at + 36);
}

function writeTotals(
  head: Buffer,
  { coffAt, optionalAt }: Headers,
  { total, imageBytes }: { total: number; imageBytes: number },
): void {
  head.writeUInt16LE(total, coffAt + 2);
  // No symbols, and no sum, which firmware does not ask for.
  head.fill(0, coffAt + 8, coffAt + 16);
  head.writeUInt32LE(imageBytes, optionalAt + 56);
  head.writeUInt32LE(0, optionalAt + 64);
}
