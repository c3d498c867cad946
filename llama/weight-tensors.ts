// The weights of a loaded model where they lie, to be read and set: what a model would be with other
// weights is then known without a file and without loading it again.
// llama.cpp tells no addresses; its scheduler shows every node of a graph, and so the weights in it.
import koffi from 'koffi';
import { loadLibrary } from './load-library.js';
import type { LlamaLibraries } from './model-settings.js';

/** ggml.h's ggml_tensor: where its two operands and its name lie. */
const SRC = 152n;
const NAME = 256n;
const MAX_NAME = 64;
const TYPE = 0n;

export type SettableTensor = {
  /** ggml's number of its type. */
  typeId: number;
  sizeBytes: number;
  read(): Uint8Array;
  /** All of it; `bytes` are `sizeBytes` long. */
  write(bytes: Uint8Array): void;
};

export type TensorFinder = {
  /** For llama_context_params.cb_eval. */
  callback: unknown;
  /** By their names in the file, once a graph was computed. */
  tensors: ReadonlyMap<string, SettableTensor>;
  close(): void;
};

/** Finds the operands named as `pattern` says, in the graphs that a context computes. */
export function findTensors({ ggmlBase }: LlamaLibraries, pattern: RegExp): TensorFinder {
  const library = loadLibrary(ggmlBase);
  const size = library.func('size_t ggml_nbytes(void *tensor)');
  const get = library.func(
    'void ggml_backend_tensor_get(void *tensor, uint8_t *data, size_t offset, size_t size)',
  );
  const set = library.func(
    'void ggml_backend_tensor_set(void *tensor, const uint8_t *data, size_t offset, size_t size)',
  );
  const tensors = new Map<string, SettableTensor>();
  const look = (node: bigint): boolean => {
    const operands = new DataView(koffi.view(node + SRC, 16));
    for (const operand of [operands.getBigUint64(0, true), operands.getBigUint64(8, true)]) {
      if (operand === 0n) continue;
      const name = nameOf(operand);
      if (pattern.test(name) && !tensors.has(name)) tensors.set(name, open(operand));
    }
    return false;
  };
  const open = (tensor: bigint): SettableTensor => {
    const sizeBytes = Number(size(tensor));
    return {
      typeId: new DataView(koffi.view(tensor + TYPE, 4)).getInt32(0, true),
      sizeBytes,
      read() {
        const bytes = new Uint8Array(sizeBytes);
        get(tensor, bytes, 0, sizeBytes);
        return bytes;
      },
      write: (bytes) => set(tensor, bytes, 0, sizeBytes),
    };
  };
  const prototype = koffi.proto('bool (void *node, bool asks, void *data)');
  const callback = koffi.register(look, koffi.pointer(prototype));
  return { callback, tensors, close: () => koffi.unregister(callback) };
}

function nameOf(tensor: bigint): string {
  const bytes = Buffer.from(koffi.view(tensor + NAME, MAX_NAME));
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? MAX_NAME : end);
}
