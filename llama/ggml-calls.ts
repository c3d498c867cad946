// ggml's own calls, for graphs that no model is part of: tensors, products, backends.
// Bound once a process, as a library that is loaded again after it was unloaded aborts.
// Computes nothing; ggml-compute.ts and gram-matrix.ts do.
import path from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { loadLibrary } from './load-library.js';
import type { LlamaLibraries } from './model-settings.js';

koffi.struct('ggml_init_params', {
  mem_size: 'size_t',
  mem_buffer: 'void *',
  no_alloc: 'bool',
});

/** An address in the library's memory. */
export type Pointer = bigint;

/** ggml.h's GGML_TYPE_F32. */
const F32 = 0;
/** ggml-backend.h's GGML_BACKEND_DEVICE_TYPE_CPU. */
const CPU_DEVICE = 0;

export type Ggml = ReturnType<typeof bindGgml>;

let bound: { ggml: Ggml; base: string } | undefined;

/** The calls, with a CPU backend that can be opened. Throws where there is none. */
export function loadGgml(libraries: LlamaLibraries): Ggml {
  if (bound?.base === libraries.ggmlBase) return bound.ggml;
  const ggml = bindGgml(loadLibrary(libraries.ggmlBase), loadLibrary(libraries.ggml));
  if (!ggml.deviceByType(CPU_DEVICE))
    quietly(loadLibrary(libraries.ggmlBase), () => ggml.loadBackends(path.dirname(libraries.ggml)));
  if (!ggml.deviceByType(CPU_DEVICE))
    throw new Error(`no CPU backend of llama.cpp lies beside ${libraries.ggml}`);
  bound = { ggml, base: libraries.ggmlBase };
  return ggml;
}

/** Without what ggml says of itself on stderr, which nobody asked for. */
function quietly(base: LibraryHandle, work: () => void): void {
  const setLog = base.func('void ggml_log_set(void *callback, void *data)');
  const prototype = koffi.proto('void (int level, const char *text, void *data)');
  const silence = koffi.register(() => {}, koffi.pointer(prototype));
  setLog(silence, null);
  work();
  setLog(null, null);
  koffi.unregister(silence);
}

function bindGgml(base: LibraryHandle, backends: LibraryHandle) {
  return {
    ...bindTensors(base),
    ...bindBackends(base, backends),
    ...bindMemory(base),
  };
}

/** Widths are ne[0] first, as ggml has them: a row-major matrix of `nRows` rows is [nCols, nRows]. */
function bindTensors(base: LibraryHandle) {
  const f = (signature: string) => base.func(signature);
  const init = f('void *ggml_init(ggml_init_params params)');
  const matrix = f('void *ggml_new_tensor_2d(void *context, int type, int64_t ne0, int64_t ne1)');
  const view = f(
    'void *ggml_view_2d(void *context, void *a, int64_t ne0, int64_t ne1, size_t nb1, size_t offset)',
  );
  return {
    /** Of tensors without data. */
    openContext: (sizeBytes: number): Pointer =>
      init({ mem_size: sizeBytes, mem_buffer: null, no_alloc: true }),
    closeContext: f('void ggml_free(void *context)') as (context: Pointer) => void,
    tensorOverhead: f('size_t ggml_tensor_overhead()') as () => number,
    matrix: (context: Pointer, nCols: number, nRows: number): Pointer =>
      matrix(context, F32, nCols, nRows),
    view: view as (
      context: Pointer,
      a: Pointer,
      nCols: number,
      nRows: number,
      rowBytes: number,
      offsetBytes: number,
    ) => Pointer,
    setName: f('void *ggml_set_name(void *tensor, const char *name)') as (
      tensor: Pointer,
      name: string,
    ) => Pointer,
    data: f('void *ggml_get_data(void *tensor)') as (tensor: Pointer) => Pointer,
    transposed: f('void *ggml_transpose(void *context, void *a)') as Unary,
    contiguous: f('void *ggml_cont(void *context, void *a)') as Unary,
    /** [k, m] and [k, n] to [m, n]: every row of the one times every row of the other. */
    product: f('void *ggml_mul_mat(void *context, void *a, void *b)') as Binary,
    addInPlace: f('void *ggml_add_inplace(void *context, void *a, void *b)') as Binary,
    setInput: f('void ggml_set_input(void *tensor)') as (tensor: Pointer) => void,
    graphOverhead: f('size_t ggml_graph_overhead_custom(size_t size, bool grads)') as (
      size: number,
      grads: boolean,
    ) => number,
    graph: f('void *ggml_new_graph_custom(void *context, size_t size, bool grads)') as (
      context: Pointer,
      size: number,
      grads: boolean,
    ) => Pointer,
    expand: f('void ggml_build_forward_expand(void *graph, void *tensor)') as (
      graph: Pointer,
      tensor: Pointer,
    ) => void,
  };
}

type Unary = (context: Pointer, a: Pointer) => Pointer;
type Binary = (context: Pointer, a: Pointer, b: Pointer) => Pointer;

const SET_THREADS = koffi.proto('void ggml_backend_set_n_threads(void *backend, int n)');

function bindBackends(base: LibraryHandle, backends: LibraryHandle) {
  const compute = base.func('int ggml_backend_graph_compute(void *backend, void *graph)');
  const registry = base.func('void *ggml_backend_dev_backend_reg(void *device)');
  const find = base.func('void *ggml_backend_reg_get_proc_address(void *registry, const char *)');
  const deviceByType = backends.func('void *ggml_backend_dev_by_type(int type)');
  const openDevice = base.func('void *ggml_backend_dev_init(void *device, const char *params)');
  return {
    deviceByType: deviceByType as (type: number) => Pointer | null,
    loadBackends: backends.func('void ggml_backend_load_all_from_path(const char *folder)') as (
      folder: string,
    ) => void,
    openCpu(threads: number): Pointer {
      const device: unknown = deviceByType(CPU_DEVICE);
      const backend: Pointer = openDevice(device, null);
      const call: unknown = find(registry(device), 'ggml_backend_set_n_threads');
      koffi.call(call, SET_THREADS, backend, threads);
      return backend;
    },
    closeBackend: base.func('void ggml_backend_free(void *backend)') as (backend: Pointer) => void,
    /** 0 where it went well. */
    compute: compute as (backend: Pointer, graph: Pointer) => number,
    /** The same on another thread. */
    computeAsync: (backend: Pointer, graph: Pointer): Promise<number> =>
      new Promise((resolve, reject) => {
        compute.async(backend, graph, (error: Error | null, status: number) =>
          error ? reject(error) : resolve(status),
        );
      }),
  };
}

/** Where the data of tensors lies. Each allocation must be freed by its own call. */
function bindMemory(base: LibraryHandle) {
  const f = (signature: string) => base.func(signature);
  return {
    /** For all tensors of a context; null where memory is short. */
    allocate: f('void *ggml_backend_alloc_ctx_tensors(void *context, void *backend)') as (
      context: Pointer,
      backend: Pointer,
    ) => Pointer | null,
    freeBuffer: f('void ggml_backend_buffer_free(void *buffer)') as (buffer: Pointer) => void,
    bufferType: f('void *ggml_backend_get_default_buffer_type(void *backend)') as (
      backend: Pointer,
    ) => Pointer,
    /** For what lives only while a graph is computed; its memory is kept for the next graph. */
    openAllocator: f('void *ggml_gallocr_new(void *buft)') as (type: Pointer) => Pointer,
    allocateGraph: f('bool ggml_gallocr_alloc_graph(void *allocator, void *graph)') as (
      allocator: Pointer,
      graph: Pointer,
    ) => boolean,
    closeAllocator: f('void ggml_gallocr_free(void *allocator)') as (allocator: Pointer) => void,
    /** Offset and size are in bytes. */
    setData: f(
      'void ggml_backend_tensor_set(void *tensor, const float *data, size_t offset, size_t size)',
    ) as (tensor: Pointer, data: Float32Array, offset: number, size: number) => void,
    getData: f(
      'void ggml_backend_tensor_get(void *tensor, float *data, size_t offset, size_t size)',
    ) as (tensor: Pointer, data: Float32Array, offset: number, size: number) => void,
  };
}
