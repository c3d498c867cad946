// Memory that O_DIRECT accepts: it has to start at a whole sector, and a Buffer starts anywhere.
// WebAssembly's memory is made of whole pages, so no native code is needed.
// Never freed by hand; a few of these last for a whole write.

/** TypeScript knows it from lib.dom alone. */
declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
};

const PAGE_BYTES = 64 << 10;

/** `sizeBytes` zeros, at an address that is a multiple of the page size. */
export function alignedBuffer(sizeBytes: number): Buffer {
  const pages = Math.ceil(sizeBytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return Buffer.from(memory.buffer, 0, sizeBytes);
}
