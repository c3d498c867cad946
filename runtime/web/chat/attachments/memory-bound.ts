// A bound on each piece of memory in this worker: a PDF of some kB can unpack to many GB.
// pdf.js unpacks into an array that it doubles, which fails here with an error that it handles. The
// browser's own unpacking would gather pieces without end; without it, pdf.js takes its own.
import { MAX_PDF_PIECE_BYTES } from './limits.js';

globalThis.Uint8Array = new Proxy(Uint8Array, {
  construct(target, args: [number | ArrayBuffer], newTarget) {
    const [size] = args;
    if (typeof size === 'number' && size > MAX_PDF_PIECE_BYTES)
      throw new RangeError(`a piece of ${size} bytes is more than a PDF may need`);
    return Reflect.construct(target, args, newTarget);
  },
});
Reflect.deleteProperty(globalThis, 'DecompressionStream');
