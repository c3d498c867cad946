import t from 'tap';
import { invert, SingularError } from '../../../pruner/linear/inverse.js';
import { type Matrix, zeros } from '../../../pruner/linear/matrix.js';
import { plainMultiply, randomMatrix } from './plain-multiply.js';

for (const n of [1, 3, 64, 65, 200, 257, 640])
  t.test(`the inverse of ${n} rows times the matrix is the identity`, async (t) => {
    const matrix = await covariance(n);
    const product = await plainMultiply(matrix, await invert(matrix, plainMultiply));
    let worst = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        worst = Math.max(worst, Math.abs((product.data[i * n + j] as number) - Number(i === j)));
    t.ok(worst < 1e-3, `the largest difference is ${worst}`);
  });

t.test('of a text of fewer tokens than columns, a small ridge is enough', async (t) => {
  const [n, nTokens, ridge] = [256, 64, 1e-3];
  const inputs = randomMatrix(n, nTokens, 11);
  // What all inputs have in common makes one eigenvalue large.
  for (let i = 0; i < inputs.data.length; i++)
    inputs.data[i] = (inputs.data[i] as number) / 2 + Math.sin(i % nTokens);
  const matrix = await plainMultiply(inputs, inputs);
  for (let i = 0; i < matrix.data.length; i++)
    matrix.data[i] = (matrix.data[i] as number) / nTokens + (i % (n + 1) === 0 ? ridge : 0);
  const product = await plainMultiply(matrix, await invert(matrix, plainMultiply));
  for (let i = 0; i < n; i++) product.data[i * (n + 1)] = (product.data[i * (n + 1)] as number) - 1;
  t.ok(product.data.every((value) => Math.abs(value) < 0.05));
});

t.test('a matrix that is not positive definite is refused', async (t) => {
  const matrix = zeros(100, 100);
  for (let i = 0; i < 100; i++) matrix.data[i * 101] = i < 90 ? 1 : -1;
  await t.rejects(invert(matrix, plainMultiply), SingularError);
  await t.rejects(invert(zeros(2, 2), plainMultiply), SingularError);
});

/** Of more random inputs than there are columns, and a ridge. */
async function covariance(n: number): Promise<Matrix> {
  const inputs = randomMatrix(n, 2 * n + 8, 7);
  const gram = await plainMultiply(inputs, inputs);
  const scaled = gram.data.map((value) => value / inputs.nCols);
  for (let i = 0; i < n; i++) scaled[i * (n + 1)] = (scaled[i * (n + 1)] as number) + 0.05;
  return { ...gram, data: scaled };
}
