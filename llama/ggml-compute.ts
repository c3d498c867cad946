// Products of matrices of float32 by ggml on the CPU, off the main thread: its kernels are tens of times
// as fast as a loop of JavaScript. Matrices are row-major.
// Copies what it is given and what it returns; knows no models.
import { type Ggml, loadGgml, type Pointer } from './ggml-calls.js';
import { type LlamaLibraries, librariesFor } from './model-settings.js';

export type GgmlCompute = {
  /** C = A · Bᵀ, `[m, n]`, of `a` as `[m, k]` and `b` as `[n, k]`. Throws where memory is short. */
  multiply(a: Float32Array, b: Float32Array, sizes: ProductSizes): Promise<Float32Array>;
  close(): void;
};

export type ProductSizes = { m: number; n: number; k: number };

export type ComputeOptions = {
  threads: number;
  /** Those that the process has loaded, if it has; else the CPU's alone. */
  libraries?: LlamaLibraries;
};

/** One product at a time; the next waits. */
export function openCompute({
  threads,
  libraries = librariesFor(false),
}: ComputeOptions): GgmlCompute {
  const ggml = loadGgml(libraries);
  const backend = ggml.openCpu(threads);
  const alone = ggml.openCpu(1);
  let last = Promise.resolve();
  return {
    multiply(a, b, sizes) {
      checkSizes(a, b, sizes);
      const by = sizes.m * sizes.n * sizes.k < SMALL ? alone : backend;
      const product = last.then(() => multiply(ggml, by, { a, b, ...sizes }));
      last = product.then(forget, forget);
      return product;
    },
    close() {
      ggml.closeBackend(backend);
      ggml.closeBackend(alone);
    },
  };
}

/** Who waits for a product to end must not keep it: at 7B widths it has 485 MB. */
function forget(): void {}

/**
 * Products of fewer multiplications are computed by one thread in a few ms: several wait for each other by
 * spinning, which takes 30 ms of a busy machine.
 */
const SMALL = 2 ** 27;

function checkSizes(a: Float32Array, b: Float32Array, { m, n, k }: ProductSizes): void {
  const areSizes = [m, n, k].every((size) => Number.isSafeInteger(size) && size > 0);
  if (areSizes && a.length === m * k && b.length === n * k) return;
  throw new RangeError(
    `matrices of ${a.length} and ${b.length} numbers; expected ${m} × ${k} and ${n} × ${k}`,
  );
}

type Product = ProductSizes & { a: Float32Array; b: Float32Array };

/** Tensors of a product, and its graph's one node. */
const GRAPH_NODES = 8;

async function multiply(
  ggml: Ggml,
  backend: Pointer,
  { a, b, m, n, k }: Product,
): Promise<Float32Array> {
  using context = openGraphContext(ggml, GRAPH_NODES);
  const [ta, tb] = [ggml.matrix(context.pointer, k, m), ggml.matrix(context.pointer, k, n)];
  // ggml's product has its first matrix's rows along a row.
  const tc = ggml.product(context.pointer, tb, ta);
  ggml.expand(context.graph, tc);
  using _buffer = allocate(ggml, context.pointer, backend);
  ggml.setData(ta, a, 0, a.byteLength);
  ggml.setData(tb, b, 0, b.byteLength);
  checkStatus(await ggml.computeAsync(backend, context.graph));
  const c = new Float32Array(m * n);
  ggml.getData(tc, c, 0, c.byteLength);
  return c;
}

export type GraphContext = Disposable & { pointer: Pointer; graph: Pointer };

/** Room for the tensors and views of a graph of so many nodes, without their data. */
export function openGraphContext(ggml: Ggml, nNodes: number): GraphContext {
  const sizeBytes = 2 * nNodes * ggml.tensorOverhead() + ggml.graphOverhead(nNodes, false);
  const pointer = ggml.openContext(sizeBytes);
  return {
    pointer,
    graph: ggml.graph(pointer, nNodes, false),
    [Symbol.dispose]: () => ggml.closeContext(pointer),
  };
}

/** Memory for all tensors of a context. Throws where there is none. */
export function allocate(ggml: Ggml, context: Pointer, backend: Pointer): Disposable {
  const buffer = ggml.allocate(context, backend);
  if (!buffer) throw new Error('ggml cannot allocate the memory of a product');
  return { [Symbol.dispose]: () => ggml.freeBuffer(buffer) };
}

/** Throws for anything but success. */
export function checkStatus(status: number): void {
  if (status !== 0) throw new Error(`ggml could not compute a product: status ${status}`);
}
