// A·Bᵀ by plain loops in double precision: what ggml's products are held against here.
import { type Matrix, rowOf, zeros } from '../../../pruner/linear/matrix.js';

export async function plainMultiply(a: Matrix, b: Matrix): Promise<Matrix> {
  const product = zeros(a.nRows, b.nRows);
  for (let i = 0; i < a.nRows; i++)
    for (let j = 0; j < b.nRows; j++) product.data[i * b.nRows + j] = dot(rowOf(a, i), rowOf(b, j));
  return product;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] as number) * (b[k] as number);
  return sum;
}

/** The same numbers for the same seed, between -1 and 1. */
export function randomMatrix(nRows: number, nCols: number, seed: number): Matrix {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return { nRows, nCols, data: Float32Array.from({ length: nRows * nCols }, next) };
}
