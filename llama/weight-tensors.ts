// The weights of a loaded model where they lie, to be set: what a model would be with other
// weights is then known without a file and without loading it again.
// llama.cpp tells no addresses; its scheduler shows every node of a graph, and so the weights in it.
import koffi from 'koffi';
import { loadGgml, type Pointer } from './ggml-calls.js';
import { loadLibrary } from './load-library.js';
import type { LlamaLibraries } from './model-settings.js';
import { checkTensorLayout, nameOf, sourcesOf, typeOf } from './tensor-layout.js';

export type SettableTensor = {
  /** ggml's number of its type. */
  typeId: number;
  sizeBytes: number;
  /** Of it, as many bytes from `offsetBytes` on. */
  write(bytes: Uint8Array, offsetBytes: number): void;
};

export type TensorFinder = {
  /** For llama_context_params.cb_eval. */
  callback: unknown;
  /** By their names in the file, once a graph was computed. */
  tensors: ReadonlyMap<string, SettableTensor>;
  close(): void;
};

/** Finds the operands named as `pattern` says, in the graphs that a context computes. */
export function findTensors(libraries: LlamaLibraries, pattern: RegExp): TensorFinder {
  checkTensorLayout(loadGgml(libraries));
  const library = loadLibrary(libraries.ggmlBase);
  const size = library.func('size_t ggml_nbytes(void *tensor)');
  const set = library.func(
    'void ggml_backend_tensor_set(void *tensor, const uint8_t *data, size_t offset, size_t size)',
  );
  const tensors = new Map<string, SettableTensor>();
  const look = (node: Pointer): boolean => {
    for (const operand of sourcesOf(node)) {
      if (operand === 0n) continue;
      const { name, isCopy } = nameOf(operand);
      // A copy is made anew from the weight, wherever that lies.
      if (!isCopy && pattern.test(name) && !tensors.has(name)) tensors.set(name, open(operand));
    }
    return false;
  };
  const open = (tensor: Pointer): SettableTensor => ({
    typeId: typeOf(tensor),
    sizeBytes: Number(size(tensor)),
    write: (bytes, offsetBytes) => set(tensor, bytes, offsetBytes, bytes.length),
  });
  const prototype = koffi.proto('bool (void *node, bool asks, void *data)');
  const callback = koffi.register(look, koffi.pointer(prototype));
  return { callback, tensors, close: () => koffi.unregister(callback) };
}
