import t from 'tap';
import { diagonalRemovalCurve, removalCurve } from '../../../pruner/choose/removal-curve.js';
import { momentsOf, solveKept } from '../../../pruner/linear/least-squares.js';
import { type Matrix, pick, range, transpose } from '../../../pruner/linear/matrix.js';
import { plainMultiply, randomMatrix } from '../linear/plain-multiply.js';

const RIDGE = 1e-4;

t.test('a step costs what the best fit of the kept columns leaves', async (t) => {
  const { weight, inputs, moments } = await layer({ n: 24, m: 10, tokens: 400 });
  const options = { groupSize: 4, step: 1, least: 1, ridge: RIDGE, multiply: plainMultiply };
  const { order, errors } = await removalCurve(weight, moments, options);
  t.equal(order.length, 5);
  t.equal(new Set(order).size, 5);
  for (let gone = 1; gone <= 5; gone++) {
    const left = Array.from(range(0, 6)).filter((group) => !order.slice(0, gone).includes(group));
    const kept = Uint32Array.from(left.flatMap((group) => [0, 1, 2, 3].map((i) => 4 * group + i)));
    const solved = await solveKept(weight, moments, {
      kept,
      ridge: RIDGE,
      multiply: plainMultiply,
    });
    const lost = await lostVariance(weight, solved, inputs, kept);
    const error = errors[gone] as number;
    t.ok(Math.abs(error - lost) < 0.01 * lost, `${gone} gone: ${error}, by the inputs ${lost}`);
  }
});

t.test('an input that others make up for goes first, and costs nothing', async (t) => {
  const { weight, inputs } = await layer({ n: 12, m: 6, tokens: 300 });
  for (let token = 0; token < inputs.nRows; token++)
    inputs.data[token * 12 + 7] =
      (inputs.data[token * 12 + 2] as number) - 0.5 * (inputs.data[token * 12 + 3] as number);
  const moments = await momentsOfInputs(inputs);
  const options = { groupSize: 1, step: 1, least: 6, ridge: RIDGE, multiply: plainMultiply };
  const { order, errors } = await removalCurve(weight, moments, options);
  t.ok([2, 3, 7].includes(order[0] as number));
  t.ok((errors[1] as number) < 1e-3 * (errors.at(-1) as number));
});

t.test('with variances alone, a group costs the sum of its columns', (t) => {
  const weight: Matrix = { nRows: 1, nCols: 4, data: Float32Array.of(1, 2, 3, 1) };
  const { order, errors } = diagonalRemovalCurve(weight, Float32Array.of(1, 1, 1, 9), {
    groupSize: 2,
    least: 0,
  });
  t.same(order, [0, 1]);
  t.same(errors, [0, 5, 23]);
  t.end();
});

async function layer({ n, m, tokens }: { n: number; m: number; tokens: number }) {
  const weight = randomMatrix(m, n, 3);
  const inputs = await plainMultiply(randomMatrix(tokens, n, 5), randomMatrix(n, n, 11));
  for (let i = 0; i < inputs.data.length; i++) inputs.data[i] = (inputs.data[i] as number) + 0.3;
  return { weight, inputs, moments: await momentsOfInputs(inputs) };
}

async function momentsOfInputs(inputs: Matrix) {
  const columns = transpose(inputs);
  const gram = await plainMultiply(columns, columns);
  const sum = Float32Array.from({ length: inputs.nCols }, (_, j) =>
    columns.data.subarray(j * inputs.nRows, (j + 1) * inputs.nRows).reduce((a, b) => a + b, 0),
  );
  return momentsOf(sum, gram.data, inputs.nRows);
}

/** Σ over the outputs of the variance of W·x - W′·x_S over the inputs. */
async function lostVariance(weight: Matrix, solved: Matrix, inputs: Matrix, kept: Uint32Array) {
  const wanted = await plainMultiply(weight, inputs);
  const got = await plainMultiply(solved, pick(inputs, range(0, inputs.nRows), kept));
  let lost = 0;
  for (let i = 0; i < wanted.nRows; i++) {
    const at = (t: number) =>
      (wanted.data[i * inputs.nRows + t] as number) - (got.data[i * inputs.nRows + t] as number);
    const differences = Array.from(range(0, inputs.nRows), at);
    const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
    lost += differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / differences.length;
  }
  return lost;
}
