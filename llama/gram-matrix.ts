// The Gram matrix of rows that come batch by batch: G += XᵀX, by ggml, in float32.
// G is symmetric, so panel after panel of its lower triangle is computed and the rest mirrored at the end.
// Where its memory comes from and how much there may be, others say.
import koffi from 'koffi';
import { type Ggml, loadGgml, type Pointer } from './ggml-calls.js';
import { allocate, checkStatus, openGraphContext } from './ggml-compute.js';
import type { LlamaLibraries } from './model-settings.js';

export type GramMatrix = {
  /** Adds the outer products of `nRows` rows, which are at the start of `rows`; waits until it is done. */
  add(rows: Float32Array, nRows: number): void;
  /** All of it, `[n, n]`; a view that `close` ends. Nothing can be added after. */
  finish(): Float32Array;
  close(): void;
};

export type GramComputer = {
  /** Zeros, of rows of `n`. Throws where memory is short. */
  open(n: number): GramMatrix;
  close(): void;
};

/** Bytes of the Gram matrix of rows of `n`. */
export function gramBytes(n: number): number {
  return 4 * n * n;
}

/** Computes on as many threads of the CPU. */
export function openGramComputer(options: {
  threads: number;
  libraries: LlamaLibraries;
}): GramComputer {
  const ggml = loadGgml(options.libraries);
  const backend = ggml.openCpu(options.threads);
  const allocator = ggml.openAllocator(ggml.bufferType(backend));
  return {
    open: (n) => openGram({ ggml, backend, allocator }, n),
    close() {
      ggml.closeAllocator(allocator);
      ggml.closeBackend(backend);
    },
  };
}

type Machine = { ggml: Ggml; backend: Pointer; allocator: Pointer };

function openGram(machine: Machine, n: number): GramMatrix {
  const { ggml, backend } = machine;
  const context = openGraphContext(ggml, 1);
  const tensor = ggml.matrix(context.pointer, n, n);
  const buffer = allocate(ggml, context.pointer, backend);
  const values = new Float32Array(koffi.view(ggml.data(tensor), gramBytes(n)));
  values.fill(0);
  return {
    add: (rows, nRows) => addRows(machine, { tensor, n }, { rows, nRows }),
    finish() {
      mirror(values, n);
      return values;
    },
    close() {
      buffer[Symbol.dispose]();
      context[Symbol.dispose]();
    },
  };
}

type Gram = { tensor: Pointer; n: number };

function addRows(
  { ggml, backend, allocator }: Machine,
  gram: Gram,
  { rows, nRows }: { rows: Float32Array; nRows: number },
): void {
  const panels = panelsOf(gram.n);
  using context = openGraphContext(ggml, NODES + panels.length * NODES_OF_PANEL);
  const input = ggml.matrix(context.pointer, gram.n, nRows);
  ggml.setInput(input);
  const columns = ggml.contiguous(context.pointer, ggml.transposed(context.pointer, input));
  for (const panel of panels)
    ggml.expand(context.graph, addPanel(ggml, context.pointer, { gram, columns, nRows, panel }));
  if (!ggml.allocateGraph(allocator, context.graph))
    throw new Error(`ggml cannot allocate the memory to multiply ${nRows} rows of ${gram.n}`);
  ggml.setData(input, rows, 0, 4 * nRows * gram.n);
  checkStatus(ggml.compute(backend, context.graph));
}

const NODES = 4;
const NODES_OF_PANEL = 6;
const PANEL_STEP = 64;
const MOST_PANEL = 512;
const PANELS = 8;

type Panel = { start: number; size: number };

/** Of enough rows to be quick, and enough of them that little above the diagonal is computed. */
function panelsOf(n: number): Panel[] {
  const size = Math.min(MOST_PANEL, PANEL_STEP * Math.ceil(n / PANELS / PANEL_STEP));
  return Array.from({ length: Math.ceil(n / size) }, (_, i) => ({
    start: i * size,
    size: Math.min(size, n - i * size),
  }));
}

type PanelTask = { gram: Gram; columns: Pointer; nRows: number; panel: Panel };

/** Rows `panel` of G, up to the diagonal and the rest of its block. */
function addPanel(
  ggml: Ggml,
  context: Pointer,
  { gram: { tensor, n }, columns, nRows, panel: { start, size } }: PanelTask,
): Pointer {
  const end = start + size;
  const before = ggml.view(context, columns, nRows, end, 4 * nRows, 0);
  const own = ggml.view(context, columns, nRows, size, 4 * nRows, 4 * nRows * start);
  const target = ggml.view(context, tensor, end, size, 4 * n, 4 * n * start);
  return ggml.addInPlace(context, target, ggml.product(context, before, own));
}

/** Rows and columns at a time, so that both stay in the cache. */
const BLOCK = 64;

/** The upper triangle from the lower one. */
function mirror(values: Float32Array, n: number): void {
  for (let top = 0; top < n; top += BLOCK)
    for (let left = 0; left <= top; left += BLOCK) mirrorBlock(values, n, { top, left });
}

function mirrorBlock(
  values: Float32Array,
  n: number,
  { top, left }: { top: number; left: number },
): void {
  const [rows, columns] = [Math.min(top + BLOCK, n), Math.min(left + BLOCK, n)];
  for (let i = top; i < rows; i++)
    for (let j = left; j < Math.min(columns, i); j++)
      values[j * n + i] = values[i * n + j] as number;
}
