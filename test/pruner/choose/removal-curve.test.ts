import t from 'tap';
import { diagonalRemovalCurve, removalCurve } from '../../../pruner/choose/removal-curve.js';
import { type InputMoments, momentsOf, openSolver } from '../../../pruner/linear/least-squares.js';
import { type Matrix, pick, range, rowOf, transpose } from '../../../pruner/linear/matrix.js';
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
    const solve = await openSolver(weight, moments, { kept, multiply: plainMultiply });
    const solved = await solve(RIDGE);
    const lost = await lostVariance(weight, solved, inputs, kept);
    const error = errors[gone] as number;
    t.ok(Math.abs(error - lost) < 0.01 * lost, `${gone} gone: ${error}, by the inputs ${lost}`);
  }
});

for (const [what, sizes, steps] of [
  ['channels', { n: 352, m: 24, tokens: 900 }, { groupSize: 1, step: 32, least: 32 }],
  ['heads', { n: 384, m: 24, tokens: 900 }, { groupSize: 48, step: 1, least: 1 }],
] as const)
  t.test(`${what} go as they do where all is computed anew at every step`, async (t) => {
    const { weight, moments } = await layer(sizes);
    const options = { ...steps, ridge: RIDGE, multiply: plainMultiply };
    const { order, errors } = await removalCurve(weight, moments, options);
    const expected = plainCurve(weight, moments, { ...steps, ridge: RIDGE });
    let [gone, lost] = [0, 0];
    for (const { groups, cost } of expected) {
      const found = order.slice(gone, gone + groups.length).sort((a, b) => a - b);
      t.same(found, groups, `after ${gone}`);
      [gone, lost] = [gone + groups.length, lost + cost];
      t.ok(Math.abs((errors[gone] as number) - lost) < 1e-3 * lost, `${errors[gone]}, ${lost}`);
    }
    t.equal(order.length, gone);
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

type Steps = { groupSize: number; step: number; least: number; ridge: number };

/** Double precision, and no step leans on the one before: what is kept is fitted to all that was there. */
function plainCurve(
  weight: Matrix,
  { correlation, scale }: InputMoments,
  { groupSize, step, least, ridge }: Steps,
): { groups: number[]; cost: number }[] {
  const n = weight.nCols;
  const at = (i: number, j: number) =>
    (correlation.data[i * n + j] as number) + (i === j ? ridge : 0);
  const columnsOf = (groups: number[]) =>
    groups.flatMap((group) => Array.from({ length: groupSize }, (_, i) => group * groupSize + i));
  const scaled = Array.from({ length: weight.nRows }, (_, row) =>
    Array.from(rowOf(weight, row), (value, j) => value * (scale[j] as number)),
  );
  const steps: { groups: number[]; cost: number }[] = [];
  let left = Array.from(range(0, n / groupSize));
  while (left.length > least) {
    const kept = columnsOf(left);
    const inverse = invertPlainly(kept.map((i) => kept.map((j) => at(i, j))));
    const fitted = scaled.map((row) => {
      const cross = kept.map((j) => row.reduce((sum, value, i) => sum + value * at(i, j), 0));
      return inverse.map((column) => dotOf(column, cross));
    });
    const costOf = (groups: number[]) => {
      const places = columnsOf(groups.map((group) => left.indexOf(group)));
      const own = invertPlainly(places.map((i) => places.map((j) => inverse[i]?.[j] as number)));
      return fitted.reduce((sum, row) => {
        const values = places.map((i) => row[i] as number);
        return (
          sum + own.reduce((all, line, i) => all + (values[i] as number) * dotOf(line, values), 0)
        );
      }, 0);
    };
    const rated = left.map((group) => ({ group, cost: costOf([group]) }));
    rated.sort((a, b) => a.cost - b.cost);
    const leaving = rated.slice(0, Math.min(step, left.length - least)).map(({ group }) => group);
    steps.push({ groups: leaving.sort((a, b) => a - b), cost: costOf(leaving) });
    left = left.filter((group) => !leaving.includes(group));
  }
  return steps;
}

function dotOf(a: number[], b: number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

/** By Gauss and Jordan. */
function invertPlainly(matrix: number[][]): number[][] {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))]);
  for (const [k, pivot] of rows.entries()) {
    const by = pivot[k] as number;
    for (let j = 0; j < 2 * n; j++) pivot[j] = (pivot[j] as number) / by;
    for (const row of rows) {
      const factor = row[k] as number;
      if (row === pivot || factor === 0) continue;
      for (let j = k; j < 2 * n; j++) row[j] = (row[j] as number) - factor * (pivot[j] as number);
    }
  }
  return rows.map((row) => row.slice(n));
}
