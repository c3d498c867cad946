// Matrices in float32, row by row, and the few things that are done to them besides multiplying.
// Products are ggml's (llama/ggml-compute.ts), which uses all of the processor; these loops only move
// what the products need, and cost little beside them.

export type Matrix = {
  nRows: number;
  nCols: number;
  /** Row by row, `nRows * nCols` long. */
  data: Float32Array;
};

export function zeros(nRows: number, nCols: number): Matrix {
  return { nRows, nCols, data: new Float32Array(nRows * nCols) };
}

/** A view, not a copy. */
export function rowOf({ data, nCols }: Matrix, row: number): Float32Array {
  return data.subarray(row * nCols, (row + 1) * nCols);
}

/** Views of rows `[start, end)`, one behind the other. */
export function rowsOf({ data, nCols }: Matrix, start: number, end: number): Matrix {
  return { nRows: end - start, nCols, data: data.subarray(start * nCols, end * nCols) };
}

/** A copy of rows and columns from `start` to before `end`. */
export function block(matrix: Matrix, [top, bottom]: Span, [left, right]: Span): Matrix {
  const copy = zeros(bottom - top, right - left);
  for (let i = 0; i < copy.nRows; i++)
    rowOf(copy, i).set(rowOf(matrix, top + i).subarray(left, right));
  return copy;
}

type Span = [start: number, end: number];

/** Those rows and columns, in that order. */
export function pick(matrix: Matrix, rows: ArrayLike<number>, columns: ArrayLike<number>): Matrix {
  const picked = zeros(rows.length, columns.length);
  for (let i = 0; i < rows.length; i++) {
    const [from, to] = [rowOf(matrix, rows[i] as number), rowOf(picked, i)];
    for (let j = 0; j < to.length; j++) to[j] = from[columns[j] as number] as number;
  }
  return picked;
}

export function pickColumns(matrix: Matrix, columns: ArrayLike<number>): Matrix {
  return pick(matrix, range(0, matrix.nRows), columns);
}

export function pickRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  const picked = zeros(rows.length, matrix.nCols);
  for (let i = 0; i < rows.length; i++) rowOf(picked, i).set(rowOf(matrix, rows[i] as number));
  return picked;
}

export function transpose({ nRows, nCols, data }: Matrix): Matrix {
  const turned = zeros(nCols, nRows);
  // In tiles, so that both sides stay in the processor's cache.
  for (let i0 = 0; i0 < nRows; i0 += TILE)
    for (let j0 = 0; j0 < nCols; j0 += TILE)
      for (let i = i0; i < Math.min(i0 + TILE, nRows); i++)
        for (let j = j0; j < Math.min(j0 + TILE, nCols); j++)
          turned.data[j * nRows + i] = data[i * nCols + j] as number;
  return turned;
}

const TILE = 32;

/** `a += factor · b`. */
export function addScaled(a: Matrix, b: Matrix, factor: number): void {
  for (let i = 0; i < a.data.length; i++)
    a.data[i] = (a.data[i] as number) + factor * (b.data[i] as number);
}

/** Σ aᵢⱼ·bᵢⱼ, in double precision. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** `[start, end)` */
export function range(start: number, end: number): Uint32Array {
  return Uint32Array.from({ length: end - start }, (_, i) => start + i);
}
