// llama.cpp's quantisation in WebAssembly, where the same source rounds alike on every processor:
// scripts/compile-portable-kernels.mjs makes the module, a test holds it to the native library of x64.
// Loads the module; who takes it decides kernels.ts.
import { readFileSync } from 'node:fs';
import { type Kernels, nameInC } from '../../../llama/ggml-kernels.js';
import {
  type AnyGgmlType,
  GGML_TYPES,
  type GgmlType,
  ggmlTypeById,
  isQuantised,
  rowSizeBytes,
} from '../../../llama/ggml-types.js';

/** So many weights at a time, whole blocks of every type; or one row. */
const CHUNK_WEIGHTS = 1 << 16;

/** What is used of it: TypeScript has its types only among those of browsers. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

type Address = number;
type QuantiseRows = (
  weights: Address,
  blocks: Address,
  nRows: bigint,
  nPerRow: bigint,
  importance: Address,
) => number;
type ReadBlocks = (blocks: Address, weights: Address, n: bigint) => void;

type Exports = Record<`quantize_${string}`, QuantiseRows> &
  Record<`dequantize_row_${string}`, ReadBlocks> & {
    readonly memory: { readonly buffer: ArrayBuffer };
    _initialize(): void;
    malloc(sizeBytes: number): Address;
    free(address: Address): void;
    /** Tables that some types need; made once. */
    iq2xs_init_impl(typeId: number): void;
    iq3xs_init_impl(nPoints: number): void;
  };

/** In a memory of their own, in place of those of `native` that round. */
export function loadPortableKernels(native: Kernels): Kernels {
  const exports = instantiate();
  const [floats, blocks, columns] = [room(exports), room(exports), room(exports)];
  return {
    ...native,
    fromBlocks(type, source, target, n) {
      const read = exports[`dequantize_row_${nameInC(type)}`] as ReadBlocks;
      for (let first = 0; first < n; first += CHUNK_WEIGHTS) {
        const end = Math.min(n, first + CHUNK_WEIGHTS);
        const [from, to] = [rowSizeBytes(type, first), rowSizeBytes(type, end)];
        const address = floats.reserve(4 * (end - first));
        read(blocks.put(source.subarray(from, to)), address, BigInt(end - first));
        target.set(new Float32Array(exports.memory.buffer, address, end - first), first);
      }
    },
    toType(type, source, target, nRows, nPerRow, importance = null) {
      if (!isQuantised(type)) return native.toType(type, source, target, nRows, nPerRow);
      const quantise = exports[`quantize_${nameInC(type)}`] as QuantiseRows;
      makeTables(exports, type);
      const weighted = importance ? columns.put(bytesOf(importance.subarray(0, nPerRow))) : 0;
      const step = Math.max(1, Math.floor(CHUNK_WEIGHTS / nPerRow));
      const rowBytes = rowSizeBytes(type, nPerRow);
      for (let row = 0; row < nRows; row += step) {
        const n = Math.min(step, nRows - row);
        const address = blocks.reserve(n * rowBytes);
        const weights = floats.put(bytesOf(source.subarray(row * nPerRow, (row + n) * nPerRow)));
        quantise(weights, address, BigInt(n), BigInt(nPerRow), weighted);
        const made = new Uint8Array(exports.memory.buffer, address, n * rowBytes);
        target.set(made, row * rowBytes);
      }
    },
  };
}

function instantiate(): Exports {
  const module = new WebAssembly.Module(readFileSync(new URL('ggml-quants.wasm', import.meta.url)));
  const env = {
    ggml_row_size: (typeId: number, n: bigint) =>
      rowSizeBytes(ggmlTypeById(typeId) as AnyGgmlType, Number(n)),
    ggml_printf: () => 0,
    ggml_abort(file: Address, line: number) {
      throw new Error(`llama.cpp gave up in ${textAt(exports, file)}:${line}`);
    },
  };
  const exports = new WebAssembly.Instance(module, { env }).exports as Exports;
  exports._initialize();
  return exports;
}

/** As ggml_quantize_init does. */
function makeTables(exports: Exports, type: GgmlType): void {
  if (type === 'IQ2_XXS' || type === 'IQ2_XS' || type === 'IQ2_S')
    exports.iq2xs_init_impl(GGML_TYPES[type].id);
  else if (type === 'IQ3_XXS') exports.iq3xs_init_impl(256);
  else if (type === 'IQ3_S') exports.iq3xs_init_impl(512);
}

type Room = {
  /** Where so many bytes may lie until the next call. */
  reserve(sizeBytes: number): Address;
  put(bytes: Uint8Array): Address;
};

function room(exports: Exports): Room {
  let [address, size] = [0, 0];
  const reserve = (sizeBytes: number) => {
    if (sizeBytes <= size) return address;
    exports.free(address);
    address = exports.malloc(sizeBytes);
    if (address === 0) throw new RangeError(`no memory for a row of ${sizeBytes} bytes`);
    size = sizeBytes;
    return address;
  };
  const put = (bytes: Uint8Array) => {
    const at = reserve(bytes.length);
    new Uint8Array(exports.memory.buffer).set(bytes, at);
    return at;
  };
  return { reserve, put };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function textAt({ memory }: Exports, address: Address): string {
  const bytes = Buffer.from(memory.buffer);
  return bytes.toString('latin1', address, bytes.indexOf(0, address));
}
